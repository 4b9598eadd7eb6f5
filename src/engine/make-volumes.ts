import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { Call } from "#core/call.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import { rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";

type VolumeMount = ContainerMount & { readonly t: "volume" };

/** `mounts` with a name of 64 hex digits for each volume without one. */
export function nameVolumes(mounts: readonly ContainerMount[]): ContainerMount[] {
  return mounts.map((mount) =>
    mount.t === "volume" && mount.name === ""
      ? { ...mount, name: randomBytes(32).toString("hex"), anonymous: true }
      : mount,
  );
}

/** Makes the volumes of a container where they are missing, and copies the image's content into empty ones. */
export async function makeVolumes(call: Call, engine: Engine, container: Container): Promise<void> {
  const mounts = container.config.mounts.filter((mount) => mount.t === "volume");
  if (mounts.length === 0) return;
  const empty: VolumeMount[] = [];
  for (const mount of mounts) {
    await engine.volumes.create(call, { name: mount.name, ...(mount.anonymous ? { anonymous: true } : {}) });
    const wantsCopy = !mount.noCopy && mount.subpath === undefined;
    if (wantsCopy && (await engine.volumes.isEmpty(call, mount.name))) empty.push(mount);
  }
  if (empty.length > 0) await copyUp(call, engine, container, empty);
}

/** The root is mounted for the time; the caller's undo takes it away when this is cut short. */
async function copyUp(call: Call, engine: Engine, container: Container, mounts: readonly VolumeMount[]): Promise<void> {
  const rootPath = rootfsDirectory(engine, container);
  await mkdir(rootPath, { recursive: true, mode: 0o711 });
  await engine.mounter.mount(
    call,
    await getSnapshotter(engine, container).mounts(call, container.snapshotKey),
    rootPath,
  );
  try {
    for (const { name, destination } of mounts) {
      if ((await engine.rootFiles.kind(call, rootPath, destination)) !== "directory") continue;
      const copy = async (directory: string) => await engine.archiver.copy(call, rootPath, destination, directory);
      await engine.volumes.fill(call, name, copy);
    }
  } finally {
    await engine.mounter.unmount(call, rootPath);
  }
}
