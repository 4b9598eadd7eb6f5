import { join } from "node:path";
import type { TaskRef } from "#core/tasks/runtime.ts";

/** Files of one container in its bundle; a shim's own are beside them. */
export type BundlePaths = {
  readonly bundle: string;
  readonly config: string;
  /** What must be known after a restart; stands before the shim is started. */
  readonly record: string;
  /** Present when the process was made. */
  readonly created: string;
  /** How the process ended; present before the shim forgets it. */
  readonly exit: string;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly journal: string;
  /** Where the shim writes what it has to say. */
  readonly shimLog: string;
  readonly execs: string;
};

/**
 * Directory of a container's bundle. Its last part is the container's id: that is how a shim's `delete` finds it.
 * Apart from other runtimes' bundles, whose recovery clears what it does not know.
 */
export function bundlePathOf(stateDirectory: string, { namespace, containerId }: TaskRef): string {
  return join(stateDirectory, "shims", namespace, containerId);
}

export function bundlePaths(bundle: string): BundlePaths {
  const at = (name: string) => join(bundle, name);
  return {
    bundle,
    config: at("config.json"),
    record: at("task.json"),
    created: at("created.json"),
    exit: at("exit.json"),
    stdin: at("stdin"),
    stdout: at("stdout"),
    stderr: at("stderr"),
    journal: at("journal.json"),
    shimLog: at("log"),
    execs: at("exec"),
  };
}
