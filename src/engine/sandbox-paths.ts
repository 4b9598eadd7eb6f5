import { join } from "node:path";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";

/** Files that every container of a pod sees, and the pod's shared memory. */
export type SandboxPaths = {
  /** Outlives a reboot. */
  readonly directory: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
  /** Cleared by a reboot. */
  readonly stateDirectory: string;
  /** What is mounted at `/dev/shm`. */
  readonly shm: string;
  /** Root directory of the process that holds the pod's PID namespace. */
  readonly pauseRoot: string;
};

export function sandboxPaths(
  { settings }: Pick<Engine, "settings">,
  { id, namespace, config }: Pick<Sandbox, "id" | "namespace" | "config">,
): SandboxPaths {
  const directory = join(settings.rootDirectory, "sandboxes", namespace, id);
  const stateDirectory = join(settings.stateDirectory, "sandboxes", id);
  return {
    directory,
    hosts: join(directory, "hosts"),
    hostname: join(directory, "hostname"),
    resolvConf: join(directory, "resolv.conf"),
    stateDirectory,
    shm: config.linuxNamespaces.ipc === "host" ? "/dev/shm" : join(stateDirectory, "shm"),
    pauseRoot: join(stateDirectory, "pause"),
  };
}
