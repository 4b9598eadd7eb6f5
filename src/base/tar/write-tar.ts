import { encodeTarHeader, tarEnd, tarPadding, type TarEntry } from "./tar-header.ts";

/** What goes into an archive: an entry and its bytes, exactly `entry.sizeBytes` of them. */
export type TarItem = { readonly entry: TarEntry; readonly body?: Uint8Array | AsyncIterable<Uint8Array> };

/** An archive, piece by piece. */
export async function* writeTar(items: Iterable<TarItem> | AsyncIterable<TarItem>): AsyncGenerator<Uint8Array> {
  for await (const { entry, body } of items) {
    yield encodeTarHeader(entry);
    let written = 0;
    if (body instanceof Uint8Array) yield* counted([body]);
    else if (body !== undefined) yield* counted(body);
    if (written !== entry.sizeBytes)
      throw new Error(`archive entry ${entry.name}: ${written} of ${entry.sizeBytes} bytes`);
    const padding = tarPadding(entry.sizeBytes);
    if (padding.length > 0) yield padding;

    async function* counted(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
      for await (const chunk of source) {
        written += chunk.length;
        yield chunk;
      }
    }
  }
  yield tarEnd;
}

/** A regular file's entry, owned by root. */
export function tarFile(
  name: string,
  sizeBytes: number,
  options: { mode?: number; mtimeSeconds?: number } = {},
): TarEntry {
  const { mode = 0o644, mtimeSeconds = 0 } = options;
  return { name, type: "file", mode, uid: 0, gid: 0, sizeBytes, mtimeSeconds, linkName: "" };
}

/** A directory's entry, owned by root. */
export function tarDirectory(name: string, options: { mode?: number; mtimeSeconds?: number } = {}): TarEntry {
  const { mode = 0o755, mtimeSeconds = 0 } = options;
  return { name, type: "directory", mode, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds, linkName: "" };
}

/** A symbolic link's entry, owned by root. */
export function tarSymlink(name: string, linkName: string, mtimeSeconds = 0): TarEntry {
  return { name, type: "symlink", mode: 0o777, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds, linkName };
}
