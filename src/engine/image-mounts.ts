import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import { gcLabels } from "#core/labels.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { findContainerImage, unpackContainerImage } from "./container-image.ts";
import { bundleDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { mountOptionsOf } from "./id-mapped-mounts.ts";
import { getSnapshotter } from "./get-snapshotter.ts";

type ImageMount = ContainerMount & { readonly t: "image" };
type Place = { readonly mount: ImageMount; readonly key: SnapshotKey; readonly path: string };

/**
 * Makes a read-only snapshot for each image that a container mounts; it is mounted for a moment to see that the subpath
 * is there. The caller's undo takes them away.
 *
 * @throws notFound when an image is not here @throws invalidArgument for a subpath that is not in it
 */
export async function makeImageMounts(call: Call, engine: Engine, container: Container): Promise<void> {
  const snapshotter = getSnapshotter(engine, container);
  for (const place of placesOf(engine, container)) {
    const image = await findContainerImage(call, engine, place.mount.reference);
    const top = await unpackContainerImage(call, engine, container, image);
    await snapshotter.view(call, place.key, top, { [gcLabels.root]: container.id });
    if (place.mount.subpath === undefined) continue;
    await mountOne(call, engine, container, place);
    await checkSubpath(call, engine, place);
    await engine.mounter.unmount(call, place.path);
  }
}

/** Mounts them in the bundle, for a start. Idempotent; answers the source of each, by destination. */
export async function mountImages(
  call: Call,
  engine: Engine,
  container: Container,
): Promise<readonly (readonly [string, string])[]> {
  const sources: [string, string][] = [];
  for (const place of placesOf(engine, container)) {
    await engine.mounter.unmount(call, place.path);
    await mountOne(call, engine, container, place);
    const { subpath = "/" } = place.mount;
    sources.push([place.mount.destination, await engine.rootFiles.resolve(call, place.path, subpath)]);
  }
  return sources;
}

/** Idempotent. */
export async function unmountImages(call: Call, engine: Engine, container: Container): Promise<void> {
  for (const { path } of placesOf(engine, container)) await engine.mounter.unmount(call, path);
}

/** Idempotent; they are unmounted already. */
export async function removeImageMounts(call: Call, engine: Engine, container: Container): Promise<void> {
  for (const { key } of placesOf(engine, container)) {
    try {
      await getSnapshotter(engine, container).remove(call, key);
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
    }
  }
}

/** Recovery knows a container's mounts by the directory they are in: the bundle. */
function placesOf(engine: Engine, container: Container): Place[] {
  const images = container.config.mounts.filter((mount) => mount.t === "image");
  return images.map((mount, at) => ({
    mount,
    key: `${container.snapshotKey}-image-${at}` as SnapshotKey,
    path: join(bundleDirectory(engine, container), `image-${at}`),
  }));
}

async function mountOne(call: Call, engine: Engine, container: Container, { key, path }: Place): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  const mounts = await getSnapshotter(engine, container).mounts(call, key);
  await engine.mounter.mount(call, mounts, path, mountOptionsOf(container.config));
}

async function checkSubpath(call: Call, { rootFiles }: Engine, { mount, path }: Place): Promise<void> {
  const { subpath = "/", reference } = mount;
  if ((await rootFiles.kind(call, path, subpath)) !== "missing") return;
  throw new EngineError("invalidArgument", `image ${reference}: no ${JSON.stringify(subpath)} in it`);
}
