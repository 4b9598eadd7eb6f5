import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { SnapshotKey, SnapshotName, SnapshotUsage } from "#core/snapshots/snapshotter.ts";
import type { Volume } from "#core/volumes/volume-store.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";

export type DiskUsage = {
  /** Bytes of all blobs of the namespace. */
  readonly contentBytes: number;
  /** Of all unpacked layers of the namespace. */
  readonly layers: SnapshotUsage;
  readonly containers: readonly { readonly container: Container; readonly writable: SnapshotUsage }[];
  readonly volumes: readonly { readonly volume: Volume; readonly sizeBytes: number; readonly useCount: number }[];
};

type Nouns = Pick<Engine, "content" | "snapshotters" | "containers" | "volumes">;

/** What the namespace takes on disk. Images are `list-images`' to tell. */
export async function diskUsage(call: Call, engine: Nouns): Promise<DiskUsage> {
  const containers = await engine.containers.list(call);
  const [blobs, layers, sizes, volumes] = await Promise.all([
    engine.content.list(call),
    sumLayers(call, engine),
    Promise.all(containers.map((container) => writableSize(call, engine, container))),
    volumeUsage(call, engine, containers),
  ]);
  return {
    contentBytes: blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    layers,
    containers: containers.map((container, at) => ({ container, writable: sizes[at] ?? { sizeBytes: 0, inodes: 0 } })),
    volumes,
  };
}

/** What a container's writable layer takes; `rootBytes` is that and its image's layers. */
export async function containerSize(
  call: Call,
  engine: Pick<Engine, "snapshotters">,
  container: Container,
): Promise<{ writable: SnapshotUsage; rootBytes: number }> {
  const snapshotter = getSnapshotter(engine, container);
  const writable = await writableSize(call, engine, container);
  let rootBytes = writable.sizeBytes;
  let at: SnapshotKey | SnapshotName | undefined = container.snapshotKey;
  for (;;) {
    const info: { parent?: SnapshotName } | undefined = await snapshotter.find(call, at);
    if (info?.parent === undefined) return { writable, rootBytes };
    at = info.parent;
    rootBytes += (await snapshotter.usage(call, at)).sizeBytes;
  }
}

async function writableSize(
  call: Call,
  engine: Pick<Engine, "snapshotters">,
  container: Container,
): Promise<SnapshotUsage> {
  try {
    return await getSnapshotter(engine, container).usage(call, container.snapshotKey);
  } catch (error) {
    // Half made, or on its way out.
    if (isKind(error, "notFound")) return { sizeBytes: 0, inodes: 0 };
    throw error;
  }
}

async function sumLayers(call: Call, { snapshotters }: Pick<Engine, "snapshotters">): Promise<SnapshotUsage> {
  let [sizeBytes, inodes] = [0, 0];
  for (const snapshotter of snapshotters.values()) {
    for (const { key, kind } of await snapshotter.list(call)) {
      if (kind !== "committed") continue;
      const usage = await snapshotter.usage(call, key);
      sizeBytes += usage.sizeBytes;
      inodes += usage.inodes;
    }
  }
  return { sizeBytes, inodes };
}

async function volumeUsage(call: Call, { volumes }: Pick<Engine, "volumes">, containers: readonly Container[]) {
  const uses =
    (volume: Volume) =>
    ({ config }: Container) =>
      config.mounts.some((mount) => mount.t === "volume" && mount.name === volume.name);
  return await Promise.all(
    (await volumes.list(call)).map(async (volume) => ({
      volume,
      sizeBytes: await volumes.usageBytes(call, volume.name),
      useCount: containers.filter(uses(volume)).length,
    })),
  );
}
