import { join } from "node:path";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/** Directory that outlives a reboot: the log and the files mounted at `/etc`. */
export function containerDirectory({ settings }: Pick<Engine, "settings">, { id, namespace }: IdOf): string {
  return join(settings.rootDirectory, "containers", namespace, id);
}

/** Bundle, cleared by a reboot. */
export function bundleDirectory({ runtime }: Pick<Engine, "runtime">, { id, namespace }: IdOf): string {
  return runtime.bundlePath({ namespace, containerId: id });
}

/** Where the root filesystem is mounted while the container runs. */
export function rootfsDirectory(engine: Pick<Engine, "runtime">, container: IdOf): string {
  return join(bundleDirectory(engine, container), "rootfs");
}

/** Files mounted at `/etc` that tell a container's networks. */
export function networkFilePaths(
  engine: Pick<Engine, "settings">,
  container: IdOf,
): { readonly hosts: string; readonly resolvConf: string } {
  const directory = containerDirectory(engine, container);
  return { hosts: join(directory, "hosts"), resolvConf: join(directory, "resolv.conf") };
}

type IdOf = Pick<Container, "id" | "namespace">;
