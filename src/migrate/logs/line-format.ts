import type { ByteWriter } from "./byte-writer.ts";

/** `bytes` from `start` up to `end`, without the line's end. */
export type Line = { readonly bytes: Uint8Array; readonly start: number; readonly end: number };

/**
 * Writes one line in another format.
 *
 * Called for each line of gigabytes, so it takes places in a buffer and allocates nothing on its usual way.
 * @returns false when the line is not of the expected format; nothing is written then
 */
export type LineConverter = {
  readonly convert: (line: Line, out: ByteWriter) => boolean;
};

/** A record longer than this is cut into pieces of {@link chunkBytes}. Docker's own never are. */
export const longestRecordBytes = 3 * 16_384;

/** Docker reads a container's output in pieces of this size; source: moby `daemon/logger/copier.go`. */
export const chunkBytes = 16_384;

/** End of the piece of a record that begins at `from`: the record's own end unless it is too long to stay whole. */
export function pieceEnd({ bytes, start, end }: Line, from: number): number {
  if (end - start <= longestRecordBytes || end - from <= chunkBytes) return end;
  // Not inside a character.
  let cut = from + chunkBytes;
  while (cut > from + chunkBytes - 4 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
}
