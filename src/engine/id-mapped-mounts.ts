import { mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Call } from "#core/call.ts";
import type { ContainerConfig, ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { MountOptions } from "#core/mounts/mounter.ts";
import { bundleDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

type Place = { readonly mount: ContainerMount & { readonly t: "bind" }; readonly path: string };

/** How a container's own files are mounted for it. Pure. */
export function mountOptionsOf({ userNamespace }: Pick<ContainerConfig, "userNamespace">): MountOptions {
  return userNamespace === undefined ? {} : { userNamespace };
}

/**
 * Mounts the sources of id-mapped mounts in the bundle, for a start: no runtime has to know how, and none has to look into
 * directories that the pod's root may not enter. Idempotent; answers the source of each, by destination.
 */
export async function mountIdMapped(
  call: Call,
  engine: Engine,
  container: Container,
): Promise<readonly (readonly [string, string])[]> {
  const places = placesOf(engine, container);
  const options = mountOptionsOf(container.config);
  for (const { mount, path } of places) {
    await engine.mounter.unmount(call, path);
    await makeTarget(mount.source, path);
    await engine.mounter.mount(call, [{ type: "bind", source: mount.source, options: ["rbind"] }], path, options);
  }
  return places.map(({ mount, path }) => [mount.destination, path]);
}

/** Idempotent. */
export async function unmountIdMapped(call: Call, engine: Engine, container: Container): Promise<void> {
  const { userNamespace } = container.config;
  if (userNamespace === undefined) return;
  const paths = placesOf(engine, container).map(({ path }) => path);
  // Where a start was cut short, the layers of the root may be mounted beside it.
  for (const path of [...paths, join(bundleDirectory(engine, container), "layers")]) {
    await engine.mounter.unmount(call, path);
  }
}

function placesOf(engine: Engine, container: Container): Place[] {
  if (container.config.userNamespace === undefined) return [];
  const mapped = container.config.mounts.filter((mount) => mount.t === "bind" && mount.idMapped === true);
  const directory = bundleDirectory(engine, container);
  return mapped.flatMap((mount, at) => (mount.t === "bind" ? [{ mount, path: join(directory, `mapped-${at}`) }] : []));
}

async function makeTarget(source: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  if ((await stat(source)).isDirectory()) await mkdir(path, { recursive: true, mode: 0o711 });
  else await writeFile(path, "", { flag: "a" });
}
