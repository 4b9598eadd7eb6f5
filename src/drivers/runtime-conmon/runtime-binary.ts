import { basename } from "node:path";
import { runProcess } from "#base/processes/run-process.ts";
import { sealedProgram } from "#base/processes/sealed-program.ts";
import type { Call } from "#core/call.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";

/** An OCI runtime and how it is called. */
export type RuntimeBinary = {
  readonly name: string;
  readonly path: string;
  /** Directory where it keeps its own state. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  /** Further arguments before the command. */
  readonly options: readonly string[];
};

/** Arguments before the command. */
export function globalArguments(binary: RuntimeBinary): string[] {
  const cgroup = binary.systemdCgroup ? ["--systemd-cgroup"] : [];
  return ["--root", binary.root, ...cgroup, ...binary.options];
}

/** By the names of their programs: others gain nothing from it, and may look for files beside themselves. */
const copyThemselves = new Set(["crun", "runc"]);

/** Where its program is executed: a copy where it would make one of itself at each run. */
export async function executablePath({ path }: RuntimeBinary): Promise<string> {
  return copyThemselves.has(basename(path)) ? await sealedProgram(path) : path;
}

/** All that a runtime or monitor gets of the daemon's environment; times in logs are UTC. */
export const childEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  TZ: "UTC",
} as const;

/**
 * Runs one command of the runtime to its end. Aborting kills the runtime's process.
 *
 * @throws what `toRuntimeError` makes of its text when it fails
 */
export async function runRuntime(call: Call, binary: RuntimeBinary, command: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess({
    path: await executablePath(binary),
    name: binary.path,
    args: [...globalArguments(binary), ...command],
    cwd: "/",
    env: childEnvironment,
    signal: call.signal,
  });
  if (code === 0) return;
  call.signal.throwIfAborted();
  throw toRuntimeError(stderr, `${binary.name} ${command[0] ?? ""}`);
}
