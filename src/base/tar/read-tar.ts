import { EngineError } from "#base/errors.ts";
import { decodePaxRecords, decodeTarHeader, tarBlockBytes, type TarEntry } from "./tar-header.ts";

const maxExtensionBytes = 1024 * 1024;

/**
 * Entries of an archive in its order. `body` is read before the next entry is asked for, or it is skipped then.
 *
 * @throws dataLoss when the archive is truncated or malformed
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ entry: TarEntry; body: AsyncIterable<Buffer> }> {
  const input = new TarInput(source);
  try {
    for (let extension: Partial<TarEntry> = {}; ;) {
      const header = decodeTarHeader(await input.take(tarBlockBytes));
      if (header === undefined) return;
      const { flag, entry } = header;
      if (extensionFlags.has(flag)) {
        if (entry.sizeBytes > maxExtensionBytes) throw new EngineError("dataLoss", "archive: extended header too long");
        const bytes = await input.take(entry.sizeBytes);
        await input.skip(paddingOf(entry.sizeBytes));
        extension = { ...extension, ...extensionOf(flag, bytes) };
        continue;
      }
      const sized = withBody({ ...entry, ...extension });
      extension = {};
      const body = input.body(sized.sizeBytes);
      yield { entry: sized, body };
      for await (const _rest of body);
      await input.skip(paddingOf(sized.sizeBytes));
    }
  } finally {
    await input.close();
  }
}

/** PAX for the next entry, PAX for all (nothing in it matters here), GNU long name, GNU long link. */
const extensionFlags = new Set(["x", "g", "L", "K"]);

/** Links and directories have no body, whatever their header says; archives before POSIX mark directories by a slash. */
function withBody(entry: TarEntry): TarEntry {
  if (entry.type === "other" || (entry.type === "file" && !entry.name.endsWith("/"))) return entry;
  return { ...entry, type: entry.type === "file" ? "directory" : entry.type, sizeBytes: 0 };
}

function extensionOf(flag: string, bytes: Buffer): Partial<TarEntry> {
  if (flag === "L") return { name: bytes.toString("utf8").replace(/\0[^]*$/, "") };
  if (flag === "K") return { linkName: bytes.toString("utf8").replace(/\0[^]*$/, "") };
  if (flag === "g") return {};
  return extensionOfPax(decodePaxRecords(bytes));
}

function extensionOfPax(records: ReadonlyMap<string, string>): Partial<TarEntry> {
  const name = records.get("path");
  const linkName = records.get("linkpath");
  const sizeBytes = numberOf(records, "size");
  const uid = numberOf(records, "uid");
  const gid = numberOf(records, "gid");
  const mtimeSeconds = numberOf(records, "mtime");
  return {
    ...(name !== undefined && { name }),
    ...(linkName !== undefined && { linkName }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mtimeSeconds !== undefined && { mtimeSeconds }),
  };
}

/** Whole and not negative, except for a time. */
function numberOf(records: ReadonlyMap<string, string>, key: "size" | "uid" | "gid" | "mtime"): number | undefined {
  const text = records.get(key);
  if (text === undefined) return undefined;
  const isNumber = key === "mtime" ? /^-?\d{1,15}(\.\d*)?$/ : /^\d{1,15}$/;
  if (!isNumber.test(text)) throw new EngineError("dataLoss", `archive: bad PAX ${key}`);
  return Number(text);
}

function paddingOf(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}

/** Bytes of a stream in pieces of the length that is asked for. */
class TarInput {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      const piece = await this.some(missing);
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0;) missing -= (await this.some(missing)).length;
  }

  async *body(length: number): AsyncGenerator<Buffer> {
    let missing = length;
    try {
      while (missing > 0) {
        const piece = await this.some(missing);
        missing -= piece.length;
        yield piece;
      }
    } catch (error) {
      missing = 0;
      throw error;
    } finally {
      // Its reader left early: what follows is the next entry all the same.
      await this.skip(missing);
    }
  }

  /** At least one byte and at most `limit`. */
  async some(limit: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) throw new EngineError("dataLoss", "archive: truncated");
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
