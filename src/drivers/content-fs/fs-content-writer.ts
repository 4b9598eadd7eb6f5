import { createHash, type Hash } from "node:crypto";
import { constants, mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContentInfo, ContentWriter, ExpectedContent } from "#core/content/content-store.ts";
import { algorithmOf, type Digest } from "#core/content/digest.ts";
import type { Labels } from "#core/labels.ts";
import { AppendFile } from "./append-file.ts";
import { dataPath } from "./content-layout.ts";
import { toDiskError } from "./disk-error.ts";
import { readIngestRecord, writeIngestRecord } from "./ingest-record.ts";

/** A file that is whole, verified and synced, to be named `digest`. */
export type FinishedIngest = { digest: Digest; sizeBytes: number; path: string; labels: Labels };

export type WriterOptions = {
  readonly call: Call;
  readonly root: string;
  readonly directory: string;
  readonly ref: string;
  readonly expected: ExpectedContent;
  /** Names the blob; the file is gone from `path` then. */
  readonly publish: (finished: FinishedIngest) => Promise<ContentInfo>;
  /** The ref is free again. */
  readonly release: () => void;
};

/**
 * Writes one ingest. Bytes are hashed as they pass; those of an earlier writer are read and hashed when the first new
 * ones come, or at the commit.
 */
export class FsContentWriter implements ContentWriter {
  readonly ref: string;
  readonly path: string;
  readonly #options: WriterOptions;
  readonly #handle: FileHandle;
  readonly #file: AppendFile;
  #algorithm: "sha256" | "sha512";
  /** Of the first `#offset` bytes; undefined while those on disk have not been read. */
  #hash: Hash | undefined;
  #offset: number;
  #closed = false;

  private constructor(options: WriterOptions, handle: FileHandle, offset: number) {
    this.ref = options.ref;
    this.path = dataPath(options.directory);
    this.#options = options;
    this.#handle = handle;
    this.#file = new AppendFile(handle, offset);
    this.#offset = offset;
    const { digest } = options.expected;
    this.#algorithm = digest === undefined ? "sha256" : algorithmOf(digest);
    if (offset === 0) this.#hash = createHash(this.#algorithm);
  }

  /** Makes the ingest's directory, or takes up the one there is. */
  static async open(options: WriterOptions): Promise<FsContentWriter> {
    const { directory, ref, call, expected } = options;
    if ((await readIngestRecord(directory)) === undefined) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const total = expected.sizeBytes === undefined ? {} : { totalBytes: expected.sizeBytes };
      await writeIngestRecord(directory, { namespace: call.namespace, ref, startedAtNs: nowNs(), ...total });
    }
    await using undo = new AsyncDisposableStack();
    const handle = await open(dataPath(directory), constants.O_RDWR | constants.O_CREAT, 0o600);
    undo.defer(async () => await handle.close());
    let { size } = await handle.stat();
    if (expected.sizeBytes !== undefined && size > expected.sizeBytes) {
      await handle.truncate(0);
      size = 0;
    }
    undo.move();
    return new FsContentWriter(options, handle, size);
  }

  get offsetBytes(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#requireOpen();
    await this.#onDisk(async () => {
      const hash = await this.#hashSoFar();
      await this.#file.append(chunk, (piece) => {
        hash.update(piece);
        this.#offset += piece.length;
      });
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#requireOpen();
    if (sizeBytes > this.#offset || sizeBytes < 0) {
      throw new EngineError("outOfRange", `ingest ${this.ref}: has ${this.#offset} bytes, cannot go to ${sizeBytes}`);
    }
    await this.#onDisk(async () => await this.#file.cut(sizeBytes));
    if (sizeBytes !== this.#offset) this.#hash = sizeBytes === 0 ? createHash(this.#algorithm) : undefined;
    this.#offset = sizeBytes;
  }

  async commit(expected: ExpectedContent & { labels?: Labels } = {}): Promise<ContentInfo> {
    this.#requireOpen();
    const wanted = { ...this.#options.expected, ...expected };
    const digest = await this.#onDisk(async () => {
      await this.#file.flush();
      return await this.#digest(wanted.digest);
    });
    const mismatch = this.#mismatch(digest, wanted);
    if (mismatch !== undefined) {
      await this.#discard();
      throw new EngineError("dataLoss", mismatch);
    }
    const finished = { digest, sizeBytes: this.#offset, path: this.path, labels: wanted.labels ?? {} };
    const info = await this.#onDisk(async () => {
      await this.#handle.chmod(0o444);
      await this.#handle.sync();
      try {
        return await this.#options.publish(finished);
      } catch (error) {
        // Named by someone else: what is left is the empty directory.
        if (error instanceof EngineError && error.kind === "alreadyExists") await this.#discard();
        throw error;
      }
    });
    await this.#discard();
    return info;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    // Whoever had to know of a failed write was told by `write`; what did reach the disk is a beginning all the same.
    await this.#file.flush().catch(() => undefined);
    if (this.#offset === 0) await this.#discard();
    else await this.#close();
  }

  async #digest(expected: Digest | undefined): Promise<Digest> {
    if (expected !== undefined && algorithmOf(expected) !== this.#algorithm) {
      this.#algorithm = algorithmOf(expected);
      this.#hash = undefined;
    }
    const hash = await this.#hashSoFar();
    return `${this.#algorithm}:${hash.copy().digest("hex")}` as Digest;
  }

  #mismatch(digest: Digest, wanted: ExpectedContent): string | undefined {
    if (wanted.sizeBytes !== undefined && wanted.sizeBytes !== this.#offset) {
      return `ingest ${this.ref}: ${this.#offset} bytes, expected ${wanted.sizeBytes}`;
    }
    if (wanted.digest === undefined || wanted.digest === digest) return undefined;
    return `ingest ${this.ref}: digest is ${digest}, expected ${wanted.digest}`;
  }

  async #hashSoFar(): Promise<Hash> {
    if (this.#hash !== undefined) return this.#hash;
    const hash = createHash(this.#algorithm);
    await this.#file.flush();
    const buffer = Buffer.allocUnsafeSlow(1 << 20);
    for (let at = 0; at < this.#offset;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new EngineError("dataLoss", `ingest ${this.ref}: its file is shorter than it was`);
      hash.update(buffer.subarray(0, Math.min(bytesRead, this.#offset - at)));
      at += bytesRead;
    }
    this.#hash = hash;
    return hash;
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineError("failedPrecondition", `ingest ${this.ref}: its writer is closed`);
  }

  /** Ends the ingest and removes what is left of it. */
  async #discard(): Promise<void> {
    if (this.#closed) return;
    await rm(this.#options.directory, { recursive: true, force: true });
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await this.#handle.close();
    this.#options.release();
  }

  async #onDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toDiskError(this.#options.root, error);
    }
  }
}
