import { isCriTime, toUtc } from "./cri-time.ts";
import type { Line } from "./line-format.ts";

/** One entry of Docker's json-file log, decoded. */
export type JsonFileRecord = {
  /** With its newline, unless it is a part of a longer line. */
  readonly text: Uint8Array;
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 in UTC, with as many digits as were there. */
  readonly time: string;
  /** JSON of the container's log labels, when the line has some. */
  readonly attrs: string | undefined;
};

/** Any JSON object with the keys of a json-file line, in any order; undefined for everything else. */
export function parseJsonFileRecord({ bytes, start, end }: Line): JsonFileRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { log, stream, time, attrs } = value as Partial<Record<string, unknown>>; // decoder
  if (typeof log !== "string" && log !== undefined) return undefined;
  if (typeof time !== "string" || !isCriTime(time)) return undefined;
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  return {
    text: Buffer.from(log ?? ""),
    stream,
    time: toUtc(time),
    attrs: attrs === undefined ? undefined : goJson(attrs),
  };
}

/** As Go's encoder writes JSON: safe within HTML. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
