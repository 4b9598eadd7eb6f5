import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { EngineError, errnoOf, messageOf } from "../errors.ts";
import { JsonReader } from "../json-reader.ts";

/** Bytes of the archive as they are, or a file whose bytes go here. */
export type TarSplitEntry =
  | { readonly t: "segment"; readonly bytes: Buffer }
  | {
      readonly t: "file";
      /** As the archive has it, one character (0 to 255) per byte. */
      readonly name: string;
      readonly sizeBytes: number;
      /** CRC64 of the content, 8 bytes; absent where there is none. */
      readonly crc64: Buffer | undefined;
    };

/** Padding behind an archive's end was written as one entry, however long; what is longer than this is an attack. */
const maxLineBytes = 64 * 1024 * 1024;
const inflateBytes = 1024 * 1024;

/**
 * Entries of a gzip'd tar-split file in their order, some at a time.
 *
 * @throws dataLoss when it is damaged @throws notFound when it is missing
 */
export async function* readTarSplit(path: string): AsyncGenerator<TarSplitEntry[]> {
  for await (const lines of linesOf(path)) yield lines.map((line) => decodeEntry(line, path));
}

async function* linesOf(path: string): AsyncGenerator<Buffer[]> {
  const inflated = pipeline(createReadStream(path), createGunzip({ chunkSize: inflateBytes }), () => {});
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of inflated as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const lines: Buffer[] = [];
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        if (end > start) lines.push(bytes.subarray(start, end));
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > maxLineBytes)
        throw new EngineError("dataLoss", `${path}: an entry of over ${maxLineBytes} bytes`);
      yield lines;
    }
  } catch (error) {
    throw toReadError(error, path);
  }
  if (rest.length > 0) yield [rest];
}

function toReadError(error: unknown, path: string): unknown {
  const code = errnoOf(error) ?? "";
  if (code === "ENOENT") return new EngineError("notFound", `${path}: not found`, { cause: error });
  if (!code.startsWith("Z_") && !code.startsWith("ERR_")) return error;
  return new EngineError("dataLoss", `${path}: gzip data is broken: ${messageOf(error)}`, { cause: error });
}

/** Sorts of entries. Source: tar-split, `storage.Type`. */
const fileType = 1;
const segmentType = 2;

/** Go writes members in this order; every second line begins so, and is as long as its header is. */
const segmentStart = Buffer.from('{"type":2,"payload":"');
const quote = 0x22;

function decodeEntry(line: Buffer, path: string): TarSplitEntry {
  if (line.subarray(0, segmentStart.length).equals(segmentStart)) {
    const end = line.indexOf(quote, segmentStart.length);
    if (end > 0)
      return { t: "segment", bytes: Buffer.from(line.toString("latin1", segmentStart.length, end), "base64") };
  }
  try {
    return decodeJson(JsonReader.parse(line, "tar-split entry", maxLineBytes));
  } catch (error) {
    throw new EngineError("dataLoss", `${path}: ${messageOf(error)}`, { cause: error });
  }
}

function decodeJson(json: JsonReader): TarSplitEntry {
  const type = json.at("type").size();
  const payload = json.at("payload").optionalString();
  if (type === segmentType) return { t: "segment", bytes: Buffer.from(payload ?? "", "base64") };
  if (type !== fileType) return json.at("type").fail(`is ${type}, neither file nor segment`);
  const raw = json.at("name_raw").optionalString();
  const name = Buffer.from(raw ?? json.at("name").optionalString() ?? "", raw === undefined ? "utf8" : "base64");
  const sizeBytes = json.at("size").isPresent ? json.at("size").size() : 0;
  const crc64 = payload === undefined || payload === "" ? undefined : Buffer.from(payload, "base64");
  return { t: "file", name: name.toString("latin1"), sizeBytes, crc64 };
}
