import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "#base/keyed-lock.ts";
import { Limiter } from "#base/limiter.ts";
import { EventBus } from "#core/events/event-bus.ts";
import { hostPlatform } from "#core/images/platform.ts";
import { FsContentStore } from "#drivers/content-fs/fs-content-store.ts";
import { LayerWorkers } from "#drivers/layer-tar/layer-workers.ts";
import { TarLayerApplier } from "#drivers/layer-tar/tar-layer-applier.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { OciRegistry } from "#drivers/registry-oci/oci-registry.ts";
import { registryDefaults, type RegistryConfig } from "#drivers/registry-oci/registry-config.ts";
import { OverlayTrees } from "#drivers/snapshot-trees/overlay-trees.ts";
import { TreeSnapshotter } from "#drivers/snapshot-trees/tree-snapshotter.ts";
import type { Engine } from "#engine/engine.ts";
import { DocumentCache } from "#engine/images/document-cache.ts";
import { BlobFlights } from "#engine/images/blob-flights.ts";
import { SandboxImage } from "#engine/sandbox-image.ts";
import { readHostFacts } from "#engine/oci-spec/host-facts.ts";
import { testCall } from "./call.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The parts of an engine that images need: real drivers on a directory of their own. */
export type ImageEngine = Pick<
  Engine,
  | "settings"
  | "content"
  | "images"
  | "leases"
  | "graph"
  | "garbage"
  | "snapshotters"
  | "registry"
  | "containers"
  | "events"
  | "locks"
  | "downloads"
  | "blobFlights"
  | "documents"
  | "layers"
  | "mounter"
  | "sandboxImage"
>;

export type ImageBed = AsyncDisposable & {
  readonly engine: ImageEngine;
  readonly root: string;
  /** Names of ingest directories that are there: what broke off. */
  ingests(): Promise<string[]>;
  /** Collects garbage; answers how many blobs are left on disk. */
  collect(): Promise<number>;
};

/** A quick retry, so that tests of failures take no seconds. */
export const quickRegistry: RegistryConfig = {
  ...registryDefaults,
  hostsDirectories: [],
  dockerConfigPaths: [],
  retry: { attempts: 4, baseDelayMs: 5, maxDelayMs: 20, maxRetryAfterMs: 3_000 },
  idleTimeoutMs: 5_000,
};

/** Disposing checks that no lease is left over and removes the directory. */
export async function openImageBed(config: Partial<RegistryConfig> = {}): Promise<ImageBed> {
  await using undo = new AsyncDisposableStack();
  const { path: root } = undo.use(await temporaryDirectory("images"));
  const metadata = undo.use(SqliteMetadata.open(join(root, "meta.db")));
  const content = await FsContentStore.open(join(root, "content"), metadata.content);
  const registry = undo.use(new OciRegistry({ ...quickRegistry, ...config }));
  const overlay = new TreeSnapshotter(new OverlayTrees(), join(root, "overlayfs"), metadata.snapshots("overlayfs"));
  const engine: ImageEngine = {
    settings: {
      platform: hostPlatform({ platform: "linux", arch: "x64" }),
      rootDirectory: root,
      stateDirectory: join(root, "state"),
      defaultSnapshotter: "overlayfs",
      layerLimits: { maxUncompressedBytes: 1 << 30, maxEntries: 1 << 20 },
      log: { maxBytes: 0, maxFiles: 1 },
      cgroupParent: "",
      host: await readHostFacts(),
    },
    content,
    images: metadata.images,
    leases: metadata.leases,
    graph: metadata.graph,
    // A test collects when it wants to.
    garbage: { schedule() {} },
    snapshotters: new Map([["overlayfs", overlay]]),
    registry,
    containers: metadata.containers,
    events: new EventBus(),
    locks: new KeyedLock(),
    downloads: new Limiter(3),
    blobFlights: new BlobFlights(),
    documents: new DocumentCache(),
    layers: new TarLayerApplier(undo.use(new LayerWorkers())),
    mounter: new LinuxMounter(),
    sandboxImage: new SandboxImage({ reference: "", namespace: testCall().namespace }),
  };
  const call = testCall();
  const stack = undo.move();
  return {
    engine,
    root,
    ingests: async () => await readdir(join(root, "content/ingest")),
    collect: async () => {
      await engine.graph.collect(call);
      await content.purge(call, 0);
      return (await readdir(join(root, "content/blobs/sha256"))).length;
    },
    [Symbol.asyncDispose]: async () => {
      const left = await engine.leases.list(call);
      await stack.disposeAsync();
      if (left.length > 0) throw new Error(`${left.length} leases are left over`);
    },
  };
}
