/**
 * Bytes as a string: one character (0 to 255) per byte. Names in archives are bytes and need not be UTF-8; as strings
 * they split, compare and key a map without being decoded.
 */
export type ByteString = string;

export type TarTime = { readonly seconds: number; readonly nanoseconds: number };

export type TarEntryType = "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo";

/** A stretch of a sparse file that has data. */
export type SparseChunk = { readonly offset: number; readonly length: number };

/** One member of an archive, everything that extended headers say applied. */
export type TarEntry = {
  readonly type: TarEntryType;
  /** As the archive has it: may be absolute, may have `..`. */
  readonly name: ByteString;
  /** Target of a link; as the archive has it. */
  readonly linkName: ByteString;
  /** Permission bits and setuid, setgid, sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Size of the file on disk; of a sparse one, holes counted. */
  readonly sizeBytes: number;
  readonly mtime: TarTime;
  readonly atime?: TarTime;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly xattrs?: ReadonlyMap<ByteString, Buffer>;
  readonly sparse?: readonly SparseChunk[];
};

/** What takes the members of an archive in their order. `buffer` is valid during the call only. */
export interface TarSink {
  begin(entry: TarEntry): void;
  /** Content of the entry that began last, `length` bytes of `buffer` at `start`, for `position` of the file. */
  data(buffer: Buffer, start: number, length: number, position: number): void;
  end(): void;
}

/** `name` for people: bytes that are no UTF-8 replaced, cut when very long. */
export function printable(name: ByteString): string {
  const text = Buffer.from(name, "latin1").toString("utf8");
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
