import type { Readable } from "node:stream";
import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { Digest } from "./digest.ts";

export type ContentInfo = {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly labels: Labels;
  readonly createdAtNs: UnixNs;
  readonly updatedAtNs: UnixNs;
};

export type IngestStatus = {
  readonly ref: string;
  /** Bytes on disk so far; a new writer of the same ref goes on from here. */
  readonly offsetBytes: number;
  readonly totalBytes?: number;
  readonly startedAtNs: UnixNs;
  readonly updatedAtNs: UnixNs;
};

/** What the finished blob must be; checked by {@link ContentWriter.commit}. */
export type ExpectedContent = { readonly digest?: Digest; readonly sizeBytes?: number };

/**
 * Blobs by digest: immutable, verified before they are named, shared by namespaces.
 *
 * A blob *exists* in a namespace when that namespace ingested it or asked for it by digest; the bytes are on disk
 * once. A blob without image, lease or label that leads to it is garbage.
 */
export interface ContentStore {
  /** @throws notFound when the namespace has no such blob. */
  get(call: Call, digest: Digest): Promise<ContentInfo>;
  find(call: Call, digest: Digest): Promise<ContentInfo | undefined>;
  list(call: Call): Promise<ContentInfo[]>;
  /** @throws notFound */
  updateLabels(call: Call, digest: Digest, patch: LabelPatch): Promise<ContentInfo>;
  /** Removes the blob from the namespace; the bytes go when no namespace has it. @throws notFound */
  delete(call: Call, digest: Digest): Promise<void>;

  /** Opens a blob for reading; the caller disposes the reader. @throws notFound */
  open(call: Call, digest: Digest): Promise<BlobReader>;

  /**
   * Opens the ingest `ref` for writing, where it was left off if it was begun before; the caller disposes the writer.
   *
   * When the store has `expected.digest` in another namespace, it is shared at once and this throws alreadyExists too.
   * With a lease in the call, whatever comes of it belongs to the lease.
   *
   * @throws alreadyExists when the namespace has `expected.digest`
   * @throws unavailable when another writer holds `ref`
   */
  openWriter(call: Call, ref: string, expected?: ExpectedContent): Promise<ContentWriter>;

  listIngests(call: Call): Promise<IngestStatus[]>;
  /** Gives up an ingest and removes its bytes. @throws notFound */
  abortIngest(call: Call, ref: string): Promise<void>;

  /** After garbage collection took records away: removes bytes that no record names, and ingests idle for `idleMs`. */
  purge(call: Call, idleMs: number): Promise<{ removedBytes: number; removedBlobs: number }>;
  /** At start: puts disk and records in agreement after a crash. */
  recover(call: Call): Promise<void>;
}

export interface BlobReader extends AsyncDisposable {
  readonly sizeBytes: number;
  /** The file that holds the bytes, for a worker that reads it itself; valid until the reader is disposed. */
  readonly path: string;
  /** Bytes from `offset`, fewer than `lengthBytes` only at the end. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** A stream from `start` (default 0) to `end` exclusive (default: the end). */
  stream(range?: { start?: number; end?: number }): Readable;
}

/** One ingest. Disposing without commit keeps what was written, for a later writer of the same ref. */
export interface ContentWriter extends AsyncDisposable {
  readonly ref: string;
  /** Bytes written so far, those of earlier writers counted. */
  readonly offsetBytes: number;
  /** The file the bytes are going to, for a reader that follows it while it grows. */
  readonly path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Back to `sizeBytes`, e.g. 0 when the source cannot resume. */
  truncate(sizeBytes: number): Promise<void>;
  /**
   * Verifies, makes durable, names. After a mismatch the ingest's bytes are gone.
   *
   * @throws alreadyExists when the namespace got the same blob meanwhile; the ingest is gone then
   * @throws dataLoss on a digest or size other than expected
   */
  commit(expected?: ExpectedContent & { labels?: Labels }): Promise<ContentInfo>;
}
