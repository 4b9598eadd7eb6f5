/**
 * Protocol buffers' wire format as far as the shim's messages use it: variable-length integers and length-delimited
 * fields. Written by hand, field by field: a dozen small messages do not pay for a library in the daemon's memory.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];

  /** Left out when empty, as proto3 does. */
  string(field: number, value: string | undefined): this {
    return value === undefined || value === "" ? this : this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#parts.push(varint(BigInt(field << 3) | 2n), varint(BigInt(value.length)), value);
    return this;
  }

  /** Left out when zero. Negative numbers take ten bytes, in two's complement. */
  integer(field: number, value: number | bigint | undefined): this {
    if (value === undefined || BigInt(value) === 0n) return this;
    this.#parts.push(varint(BigInt(field << 3)), varint(BigInt.asUintN(64, BigInt(value))));
    return this;
  }

  bool(field: number, value: boolean | undefined): this {
    return this.integer(field, value === true ? 1 : 0);
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** `google.protobuf.Any`. */
  any(field: number, typeUrl: string, value: Uint8Array): this {
    return this.message(field, new ProtoWriter().string(1, typeUrl).bytes(2, value));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** A decoded message: fields by number; what is absent is zero, empty or false. */
export class ProtoFields {
  readonly #fields = new Map<number, (bigint | Uint8Array)[]>();

  /** @throws RangeError when `bytes` is no message */
  constructor(bytes: Uint8Array) {
    const cursor = { bytes, at: 0 };
    while (cursor.at < bytes.length) {
      const tag = readVarint(cursor);
      const value = readValue(cursor, Number(tag & 7n));
      const field = Number(tag >> 3n);
      const values = this.#fields.get(field);
      if (values === undefined) this.#fields.set(field, [value]);
      else values.push(value);
    }
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  string(field: number): string {
    return new TextDecoder().decode(this.bytes(field));
  }

  bytes(field: number): Uint8Array {
    const last = this.#fields.get(field)?.at(-1);
    return last instanceof Uint8Array ? last : new Uint8Array();
  }

  bigint(field: number): bigint {
    const last = this.#fields.get(field)?.at(-1);
    return typeof last === "bigint" ? last : 0n;
  }

  /** Beyond what a double holds exactly: the largest that it does. */
  number(field: number): number {
    const value = this.bigint(field);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  }

  message(field: number): ProtoFields {
    return new ProtoFields(this.bytes(field));
  }

  messages(field: number): ProtoFields[] {
    const all = this.#fields.get(field) ?? [];
    return all.flatMap((value) => (value instanceof Uint8Array ? [new ProtoFields(value)] : []));
  }

  /** Repeated integers, packed or not. */
  bigints(field: number): bigint[] {
    return (this.#fields.get(field) ?? []).flatMap((value) => {
      if (typeof value === "bigint") return [value];
      const cursor = { bytes: value, at: 0 };
      const unpacked: bigint[] = [];
      while (cursor.at < value.length) unpacked.push(readVarint(cursor));
      return unpacked;
    });
  }
}

type Cursor = { readonly bytes: Uint8Array; at: number };

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

function readVarint(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) throw new RangeError("protobuf: message ends within a number");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new RangeError("protobuf: number longer than ten bytes");
}

function readValue(cursor: Cursor, wireType: number): bigint | Uint8Array {
  if (wireType === 0) return readVarint(cursor);
  const fixed = wireType === 1 ? 8 : wireType === 5 ? 4 : undefined;
  if (fixed === undefined && wireType !== 2) throw new RangeError(`protobuf: wire type ${wireType}`);
  const length = fixed ?? Number(readVarint(cursor));
  const value = cursor.bytes.subarray(cursor.at, cursor.at + length);
  if (value.length !== length) throw new RangeError("protobuf: message ends within a field");
  cursor.at += length;
  return value;
}
