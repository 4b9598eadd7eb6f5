import { CliError } from "../cli-error.ts";
import type { TarEntry } from "./tar-entry.ts";

export type TarMember = TarEntry & {
  /** The file's bytes; what is not read is skipped. */
  readonly content: AsyncIterable<Buffer>;
};

const blockBytes = 512;
const maxExtensionBytes = 1 << 20;

/**
 * Reads a tar archive (ustar, PAX and GNU long names) member by member, in order.
 *
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header".
 *
 * @throws CliError when it is cut off or no tar
 */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const source = new ByteSource(chunks);
  let extension: Record<string, string> = {};
  for (;;) {
    const header = await source.take(blockBytes, true);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const type = String.fromCharCode(header[156] ?? 0);
    const sizeBytes = number(header, 124, 12);
    if (type === "x" || type === "L" || type === "K" || type === "g") {
      const data = await readExtension(source, sizeBytes);
      if (type === "x") Object.assign(extension, parsePax(data));
      else if (type !== "g") extension[type === "L" ? "path" : "linkpath"] = data.toString().replace(/\0.*$/s, "");
      continue;
    }
    const entry = readEntry(header, type, extension);
    extension = {};
    let left = entry.sizeBytes;
    const content = (async function* () {
      while (left > 0) {
        const bytes = await source.some(left);
        left -= bytes.length;
        yield bytes;
      }
    })();
    yield { ...entry, content };
    while (left > 0) left -= (await source.some(left)).length;
    await source.take(padding(entry.sizeBytes), false);
  }
}

async function readExtension(source: ByteSource, sizeBytes: number): Promise<Buffer> {
  if (sizeBytes > maxExtensionBytes) throw new CliError("archive: an extended header is too long");
  const data = (await source.take(sizeBytes, false)) ?? Buffer.alloc(0);
  await source.take(padding(sizeBytes), false);
  return data;
}

function readEntry(header: Buffer, type: string, pax: Record<string, string>): TarEntry {
  const isUstar = text(header, 257, 5) === "ustar";
  const prefix = isUstar && header[263] === 0x30 ? text(header, 345, 155) : "";
  const name = pax["path"] ?? (prefix === "" ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
  const kind = kinds[type] ?? "other";
  return {
    name,
    type: kind === "file" && name.endsWith("/") ? "directory" : kind,
    mode: number(header, 100, 8) & 0o7777,
    uid: Number(pax["uid"] ?? number(header, 108, 8)),
    gid: Number(pax["gid"] ?? number(header, 116, 8)),
    sizeBytes: kind === "file" ? Number(pax["size"] ?? number(header, 124, 12)) : 0,
    mtimeSeconds: Number(pax["mtime"] ?? number(header, 136, 12)),
    linkName: pax["linkpath"] ?? text(header, 157, 100),
  };
}

const kinds: Readonly<Record<string, TarEntry["type"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "link",
  "2": "symlink",
  "5": "directory",
};

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

/** Octal, or base 256 when the first bit is set. */
function number(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(at + length - 8) & 0x1fffffffffffffn);
  const digits = text(header, at, length).trim();
  const value = digits === "" ? 0 : Number.parseInt(digits, 8);
  if (Number.isNaN(value)) throw new CliError("archive: not a tar archive");
  return value;
}

function parsePax(data: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = Number(data.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const pair = data.toString("utf8", space + 1, at + length - 1);
    const equals = pair.indexOf("=");
    fields[pair.slice(0, equals)] = pair.slice(equals + 1);
    at += length;
  }
  return fields;
}

function padding(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

/** Takes exact amounts out of chunks of any size. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Up to `most` bytes, at least one. */
  async some(most: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#more())) throw new CliError("archive: cut off");
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /** Exactly `count`; undefined at the end where that is allowed. */
  async take(count: number, mayEnd: boolean): Promise<Buffer | undefined> {
    while (this.#rest.length < count) {
      if (await this.#more()) continue;
      if (mayEnd && this.#rest.length === 0) return undefined;
      throw new CliError("archive: cut off");
    }
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
    return true;
  }
}
