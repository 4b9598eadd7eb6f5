import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
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
  const child = spawn(binary.path, [...globalArguments(binary), ...command], {
    cwd: "/",
    env: childEnvironment,
    stdio: ["ignore", "ignore", "pipe"],
    signal: call.signal,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, 16_384)));
  const closed = once(child, "close");
  // An abort fails it too; the wait for the exit tells.
  closed.catch(() => undefined);
  const [code] = (await once(child, "exit")) as [number | null];
  // A container that was made keeps the pipe open: what the runtime wrote is there at once.
  await Promise.race([closed, sleep(20, undefined, { ref: false })]);
  child.stderr.destroy();
  if (code === 0) return;
  throw toRuntimeError(stderr, `${binary.name} ${command[0] ?? ""}`);
}
