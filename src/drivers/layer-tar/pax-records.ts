import { EngineError } from "#base/errors.ts";
import type { ByteString, SparseChunk, TarTime } from "./tar-entry.ts";

/** Records of one extended header in their order; a key may come more than once (GNU sparse 0.0). */
export type PaxRecords = { readonly values: ReadonlyMap<ByteString, ByteString>; readonly sparseMap?: SparseChunk[] };

/** Reads `<length> <key>=<value>\n` records. Source: POSIX.1-2017 pax, "pax Header Block". @throws dataLoss */
export function parsePaxRecords(data: Buffer): PaxRecords {
  const values = new Map<ByteString, ByteString>();
  const sparse: string[] = [];
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const lengthText = data.toString("latin1", at, space < 0 ? at : space);
    if (!/^[1-9][0-9]{0,8}$/.test(lengthText)) throw malformed("a record without length");
    const end = at + Number(lengthText);
    const equals = data.indexOf(0x3d, space);
    if (end > data.length || data[end - 1] !== 0x0a || equals < 0 || equals >= end) throw malformed("a broken record");
    const key = data.toString("latin1", space + 1, equals);
    const value = data.toString("latin1", equals + 1, end - 1);
    check(key, value);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") collectSparse(sparse, key, value);
    else values.set(key, value);
    at = end;
  }
  const map = sparse.length > 0 ? sparse.join(",") : values.get("GNU.sparse.map");
  return map === undefined ? { values } : { values, sparseMap: parseSparseMap(map.split(",")) };
}

/** `12.5`, `-3`, `1700000000.123456789`. @throws dataLoss */
export function parsePaxTime(value: string): TarTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value);
  if (match === null) throw malformed(`time ${JSON.stringify(value)}`);
  const [, sign, whole = "0", fraction = ""] = match;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign !== "-") return { seconds: Number(whole), nanoseconds };
  return nanoseconds === 0
    ? { seconds: -Number(whole), nanoseconds: 0 }
    : { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** Decimal, not negative. @throws dataLoss */
export function parsePaxNumber(value: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw malformed(`number ${JSON.stringify(value.slice(0, 40))}`);
  return number;
}

/** Offset and length in turn. @throws dataLoss */
export function parseSparseMap(numbers: readonly string[]): SparseChunk[] {
  if (numbers.length % 2 !== 0) throw malformed("a sparse map of odd length");
  const chunks: SparseChunk[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    chunks.push({ offset: parsePaxNumber(numbers[i] ?? ""), length: parsePaxNumber(numbers[i + 1] ?? "") });
  }
  return chunks;
}

function check(key: string, value: string): void {
  if (key === "" || key.includes("\0")) throw malformed("a record without a key");
  const isName = key === "path" || key === "linkpath" || key === "GNU.sparse.name";
  if (isName && value.includes("\0")) throw malformed(`NUL in ${key}`);
}

function collectSparse(sparse: string[], key: string, value: string): void {
  if ((key === "GNU.sparse.offset") !== (sparse.length % 2 === 0)) throw malformed("a sparse map out of order");
  sparse.push(value);
}

function malformed(what: string): EngineError {
  return new EngineError("dataLoss", `pax header: ${what}`);
}
