import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { ContentIndex } from "#core/content/content-index.ts";
import type { Digest } from "#core/content/digest.ts";
import type { BlobFiles } from "./blob-files.ts";
import { algorithms, digestOfFile, type ContentLayout } from "./content-layout.ts";
import { readIngestStatus } from "./ingest-record.ts";

/** Removes files that no record names. */
export async function purgeBlobs(
  call: Call,
  layout: ContentLayout,
  index: ContentIndex,
  files: BlobFiles,
): Promise<{ blobs: number; bytes: number }> {
  const removed = { blobs: 0, bytes: 0 };
  const named = await index.listAnywhere();
  for (const digest of await listFiles(call, layout)) {
    call.signal.throwIfAborted();
    // A first look; the one that counts is made under the digest's lock.
    const bytes = named.has(digest) ? undefined : await files.removeUnnamed(digest);
    if (bytes === undefined) continue;
    removed.blobs++;
    removed.bytes += bytes;
  }
  return removed;
}

/** Removes ingests without a writer that nobody wrote to for `idleMs`, and half-made ones. Answers the bytes. */
export async function purgeIngests(
  call: Call,
  layout: ContentLayout,
  idleMs: number,
  reserve: (directory: string) => (() => void) | undefined,
): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(layout.ingestsDirectory)) {
    call.signal.throwIfAborted();
    const directory = join(layout.ingestsDirectory, name);
    const release = reserve(directory);
    if (release === undefined) continue;
    try {
      const status = (await readIngestStatus(directory))?.status;
      if (status !== undefined && idleFor(status.updatedAtNs) < idleMs) continue;
      bytes += status?.offsetBytes ?? 0;
      await rm(directory, { recursive: true, force: true });
    } finally {
      release();
    }
  }
  return bytes;
}

/** Puts files and records in agreement; nothing else may be at work. */
export async function recoverContent(
  call: Call,
  layout: ContentLayout,
  index: ContentIndex,
  files: BlobFiles,
): Promise<void> {
  for (const digest of await index.listAnywhere()) {
    const [record, sizeBytes] = await Promise.all([index.findAnywhere(digest), files.sizeBytes(digest)]);
    if (record === undefined || record.sizeBytes === sizeBytes) continue;
    const found = sizeBytes === undefined ? "no file" : `a file of ${sizeBytes} bytes`;
    call.log.warn({ digest }, `content ${digest}: ${found} for ${record.sizeBytes} bytes: record dropped`);
    await index.deleteAnywhere(digest);
  }
  await purgeBlobs(call, layout, index, files);
  await purgeIngests(call, layout, Infinity, () => () => undefined);
}

async function listFiles(call: Call, layout: ContentLayout): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const algorithm of algorithms) {
    for (const name of await readdir(layout.blobDirectory(algorithm))) {
      const digest = digestOfFile(algorithm, name);
      if (digest !== undefined) digests.push(digest);
      else call.log.warn({ path: join(layout.blobDirectory(algorithm), name) }, "content: a file that is no blob");
    }
  }
  return digests;
}

function idleFor(updatedAtNs: bigint): number {
  return Number((nowNs() - updatedAtNs) / 1_000_000n);
}
