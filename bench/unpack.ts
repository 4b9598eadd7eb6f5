import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base/logger.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import { LayerWorkers } from "#drivers/layer-tar/layer-workers.ts";
import { TarLayerApplier } from "#drivers/layer-tar/tar-layer-applier.ts";

/**
 * Unpacks layer files side by side and prints how long it took: `bench/unpack.ts layer.tar.gz…`. For profiling; compare
 * only with what ran beside it.
 */
const call: Call = { signal: new AbortController().signal, log: silentLogger, namespace: parseNamespace("default") };
const paths = process.argv.slice(2);
const root = await mkdtemp(join(tmpdir(), "ferry-bench-unpack-"));
try {
  await using workers = new LayerWorkers();
  const applier = new TarLayerApplier(workers);
  const started = performance.now();
  await Promise.all(paths.map((path, index) => unpack(applier, path, index)));
  const { user, system } = processSeconds();
  console.log(`all: ${since(started)} ms, cpu ${user.toFixed(2)} s user, ${system.toFixed(2)} s system`);
} finally {
  await rm(root, { recursive: true });
}

async function unpack(applier: TarLayerApplier, path: string, index: number): Promise<void> {
  const directory = await mkdtemp(join(root, `${index}-`));
  const blob = { path, sizeBytes: (await stat(path)).size } as BlobReader;
  const compression = path.endsWith(".gz") ? "gzip" : path.endsWith(".zst") ? "zstd" : "none";
  const started = performance.now();
  const limits = { maxUncompressedBytes: 2 ** 40, maxEntries: 10_000_000 };
  const target = { directory, whiteouts: "overlay", parents: [] } as const;
  const { inodes, diffId } = await applier.apply(call, { blob, compression }, target, limits);
  console.log(`${path}: ${inodes} inodes, ${diffId}, ${since(started)} ms`);
}

function since(started: number): string {
  return (performance.now() - started).toFixed(0);
}

function processSeconds(): { user: number; system: number } {
  const { user, system } = process.cpuUsage();
  return { user: user / 1e6, system: system / 1e6 };
}
