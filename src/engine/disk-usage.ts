import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { SnapshotUsage } from "#core/snapshots/snapshotter.ts";
import type { Volume } from "#core/volumes/volume-store.ts";
import type { Engine } from "./engine.ts";

export type DiskUsage = {
  /** Bytes of all blobs of the namespace. */
  readonly contentBytes: number;
  /** Bytes of all unpacked layers of the namespace. */
  readonly layersBytes: number;
  readonly containers: readonly { readonly container: Container; readonly writableBytes: number }[];
  readonly volumes: readonly { readonly volume: Volume; readonly sizeBytes: number; readonly useCount: number }[];
};

/**
 * What the namespace takes on disk. Images are `list-images`' to tell.
 */
export async function diskUsage(_call: Call, _engine: Engine): Promise<DiskUsage> {
  throw new EngineError("notImplemented", "disk usage: not implemented");
}

/**
 * What a container's writable layer takes; `root` is that and its image's layers.
 */
export async function containerSize(
  _call: Call,
  _engine: Engine,
  _container: Container,
): Promise<{ writable: SnapshotUsage; rootBytes: number }> {
  throw new EngineError("notImplemented", "container size: not implemented");
}
