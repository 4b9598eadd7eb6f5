/** Fields of a header as a hostile writer may set them. */
export type RawFields = {
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number | Buffer;
  readonly gid?: number;
  /** Raw bytes, or a number written in octal; default: the body's length. */
  readonly size?: number | Buffer;
  readonly mtime?: number | Buffer;
  readonly major?: number;
  readonly minor?: number;
  readonly body?: string | Buffer;
  readonly checksum?: number;
  /** Changes the block before its checksum is taken. */
  readonly patch?: (block: Buffer) => void;
};

/** One member, byte by byte, without any check: what no tar command would write. */
export function raw(name: string, fields: RawFields = {}): Buffer {
  const body = Buffer.from(fields.body ?? "");
  const block = Buffer.alloc(512);
  block.write(name.slice(0, 100), 0, "latin1");
  put(block, 100, 8, fields.mode ?? 0o644);
  put(block, 108, 8, fields.uid ?? 0);
  put(block, 116, 8, fields.gid ?? 0);
  put(block, 124, 12, fields.size ?? body.length);
  put(block, 136, 12, fields.mtime ?? 1_700_000_000);
  block.write(fields.type ?? "0", 156, "latin1");
  block.write((fields.link ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  put(block, 329, 8, fields.major ?? 0);
  put(block, 337, 8, fields.minor ?? 0);
  fields.patch?.(block);
  block.fill(0x20, 148, 156);
  const sum = fields.checksum ?? block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

export const directory = (name: string, fields: RawFields = {}) => raw(name, { type: "5", mode: 0o755, ...fields });
export const symlink = (name: string, link: string) => raw(name, { type: "2", mode: 0o777, link });
export const hardlink = (name: string, link: string) => raw(name, { type: "1", link });

/** An extended header for the member after it. */
export function pax(records: Record<string, string>, type = "x"): Buffer {
  return raw("PaxHeaders/x", { type, body: Buffer.concat(Object.entries(records).map(paxRecord)) });
}

/** GNU's header for a long name (`L`) or link (`K`). */
export function gnuLong(type: "L" | "K", value: string): Buffer {
  return raw("././@LongLink", { type, body: `${value}\0` });
}

export function archive(...members: Buffer[]): Buffer {
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}

/** A number as GNU tar writes what octal cannot hold. */
export function base256(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let rest = BigInt.asUintN(length * 8 - 1, value) | (1n << BigInt(length * 8 - 1));
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function paxRecord([key, value]: [string, string]): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.from(`${length}${rest}`, "latin1");
}

function put(block: Buffer, at: number, length: number, value: number | Buffer): void {
  if (typeof value === "number") block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  else value.copy(block, at);
}
