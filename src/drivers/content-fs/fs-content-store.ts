import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { syncDirectory } from "#base/atomic-file.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import type { Call } from "#core/call.ts";
import type { ContentIndex } from "#core/content/content-index.ts";
import type {
  BlobReader,
  ContentInfo,
  ContentStore,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "#core/content/content-store.ts";
import { algorithmOf, type Digest } from "#core/content/digest.ts";
import type { LabelPatch } from "#core/labels.ts";
import { join } from "node:path";
import { BlobFiles } from "./blob-files.ts";
import { algorithms, ContentLayout } from "./content-layout.ts";
import { toDiskError } from "./disk-error.ts";
import { FsBlobReader } from "./fs-blob-reader.ts";
import { FsContentWriter, type FinishedIngest } from "./fs-content-writer.ts";
import { readIngestStatus } from "./ingest-record.ts";
import { purgeBlobs, purgeIngests, recoverContent } from "./sweep.ts";

/** Blobs in a directory, records in a {@link ContentIndex}. One per directory and process. */
export class FsContentStore implements ContentStore {
  readonly #layout: ContentLayout;
  readonly #index: ContentIndex;
  readonly #blobs: BlobFiles;
  /** Held under a digest while its name is made or taken. */
  readonly #locks = new KeyedLock();
  /** Directories of ingests that have a writer. */
  readonly #busyIngests = new Set<string>();

  private constructor(layout: ContentLayout, index: ContentIndex) {
    this.#layout = layout;
    this.#index = index;
    this.#blobs = new BlobFiles(layout, index, this.#locks);
  }

  /** Makes the directories where they are missing. Call {@link recover} before anything else. */
  static async open(root: string, index: ContentIndex): Promise<FsContentStore> {
    const layout = new ContentLayout(root);
    const directories = [...algorithms.map((name) => layout.blobDirectory(name)), layout.ingestsDirectory];
    await Promise.all(directories.map(async (path) => await mkdir(path, { recursive: true, mode: 0o700 })));
    return new FsContentStore(layout, index);
  }

  async get(call: Call, digest: Digest): Promise<ContentInfo> {
    const found = await this.#index.find(call, digest);
    if (found === undefined) throw notFound(digest);
    return found;
  }

  async find(call: Call, digest: Digest): Promise<ContentInfo | undefined> {
    return await this.#index.find(call, digest);
  }

  async list(call: Call): Promise<ContentInfo[]> {
    return await this.#index.list(call);
  }

  async updateLabels(call: Call, digest: Digest, patch: LabelPatch): Promise<ContentInfo> {
    return await this.#index.updateLabels(call, digest, patch);
  }

  async delete(call: Call, digest: Digest): Promise<void> {
    await this.#index.delete(call, digest);
    await this.#blobs.removeUnnamed(digest);
  }

  async open(call: Call, digest: Digest): Promise<BlobReader> {
    const path = this.#layout.blobPath(digest);
    await using undo = new AsyncDisposableStack();
    const release = this.#blobs.hold(digest);
    undo.defer(release);
    const { sizeBytes } = await this.get(call, digest);
    const handle = await openBlob(path, digest);
    undo.move();
    return new FsBlobReader({ path, sizeBytes, handle, release });
  }

  async openWriter(call: Call, ref: string, expected: ExpectedContent = {}): Promise<ContentWriter> {
    if (ref === "") throw new EngineError("invalidArgument", "ingest: its ref is empty");
    if (expected.digest !== undefined) await this.#refuseKnown(call, expected.digest, expected.sizeBytes);
    const directory = this.#layout.ingestDirectory(call.namespace, ref);
    const release = this.#reserveIngest(directory, ref);
    const { root } = this.#layout;
    const publish = async (finished: FinishedIngest) => await this.#publish(call, finished);
    try {
      return await FsContentWriter.open({ call, root, directory, ref, expected, publish, release });
    } catch (error) {
      release();
      throw toDiskError(root, error);
    }
  }

  async listIngests(call: Call): Promise<IngestStatus[]> {
    const names = await readdir(this.#layout.ingestsDirectory);
    const all = await Promise.all(
      names.map(async (name) => await readIngestStatus(join(this.#layout.ingestsDirectory, name))),
    );
    const own = all.filter((ingest) => ingest?.namespace === call.namespace);
    return own.flatMap((ingest) => ingest?.status ?? []);
  }

  async abortIngest(call: Call, ref: string): Promise<void> {
    const directory = this.#layout.ingestDirectory(call.namespace, ref);
    const release = this.#reserveIngest(directory, ref);
    try {
      if ((await readIngestStatus(directory)) === undefined) {
        throw new EngineError("notFound", `ingest ${ref}: not found`);
      }
      await rm(directory, { recursive: true, force: true });
    } finally {
      release();
    }
  }

  async purge(call: Call, idleMs: number): Promise<{ removedBytes: number; removedBlobs: number }> {
    const { blobs, bytes } = await purgeBlobs(call, this.#layout, this.#index, this.#blobs);
    const reserve = (directory: string) => this.#findFreeIngest(directory);
    const ingestBytes = await purgeIngests(call, this.#layout, idleMs, reserve);
    return { removedBlobs: blobs, removedBytes: bytes + ingestBytes };
  }

  async recover(call: Call): Promise<void> {
    await recoverContent(call, this.#layout, this.#index, this.#blobs);
  }

  /** @throws alreadyExists when the bytes are there, once the namespace (and the lease) has them too */
  async #refuseKnown(call: Call, digest: Digest, expectedBytes: number | undefined): Promise<void> {
    using _lock = await this.#locks.acquire(digest, call.signal);
    const known = await this.#index.findAnywhere(digest);
    if (known === undefined || !(await isFile(this.#layout.blobPath(digest)))) return;
    if (expectedBytes !== undefined && expectedBytes !== known.sizeBytes) {
      throw new EngineError("dataLoss", `content ${digest}: ${known.sizeBytes} bytes, expected ${expectedBytes}`);
    }
    await this.#index.insert(call, digest, known.sizeBytes, {});
    throw new EngineError("alreadyExists", `content ${digest}: already exists`);
  }

  /** The file first, then the record; under the digest's lock, so that no collection comes in between. */
  async #publish(call: Call, { digest, sizeBytes, path, labels }: FinishedIngest): Promise<ContentInfo> {
    using _lock = await this.#locks.acquire(digest);
    await rename(path, this.#layout.blobPath(digest));
    await syncDirectory(this.#layout.blobDirectory(algorithmOf(digest)));
    return await this.#index.insert(call, digest, sizeBytes, labels);
  }

  #reserveIngest(directory: string, ref: string): () => void {
    const release = this.#findFreeIngest(directory);
    if (release === undefined) throw new EngineError("unavailable", `ingest ${ref}: another writer holds it`);
    return release;
  }

  #findFreeIngest(directory: string): (() => void) | undefined {
    if (this.#busyIngests.has(directory)) return undefined;
    this.#busyIngests.add(directory);
    return () => this.#busyIngests.delete(directory);
  }
}

async function openBlob(path: string, digest: Digest) {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new EngineError("dataLoss", `content ${digest}: its bytes are gone; pull or load it again`, { cause: error });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function notFound(digest: Digest): EngineError {
  return new EngineError("notFound", `content ${digest}: not found`);
}
