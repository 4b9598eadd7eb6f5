import { awaitExit, type ChildExit, type RunningChild } from "./child-exits.ts";

export type ProcessRequest = {
  /** Of the program; absolute. */
  readonly path: string;
  /** What it sees as its own name, and others in the list of processes. Left out: the path. */
  readonly name?: string;
  /** Without the program's own name. */
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Left out: the daemon's own. */
  readonly cwd?: string;
  /** What the child has as 0, 1, 2 and so on: a descriptor of ours, which stays ours to close, or /dev/null. */
  readonly fds: readonly (number | "null")[];
};

/** A program could not be started. `code` is the errno's name, as in Node's own errors. */
export class StartError extends Error {
  readonly code: string;

  constructor(path: string, code: string) {
    super(`spawn ${path} ${code}`);
    this.code = code;
  }
}

export type { ChildExit, RunningChild };

/**
 * Starts a program by `posix_spawn`.
 *
 * Node's own `spawn` forks: for a process of a daemon's size it holds up the main thread for 2 to 4 ms, and page faults
 * follow on every page it writes afterwards; this takes a quarter of a millisecond. For programs that are run for every
 * container and pod; elsewhere Node's serves as well.
 *
 * The child is not ended with this process.
 *
 * @throws StartError
 */
export async function startProcess({ path, name, args, env, cwd, fds }: ProcessRequest): Promise<RunningChild> {
  const { spawn, nullFd } = await import("./syscalls.ts");
  const numbers = fds.map((fd) => (fd === "null" ? nullFd : fd));
  // A descriptor that another one's place is made of would be overwritten before it is copied.
  if (numbers.some((fd) => fd < numbers.length)) throw new Error(`spawn ${path}: descriptor below ${numbers.length}`);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const started = spawn({ path, argv: [name ?? path, ...args], env: variables, cwd, fds: numbers });
  if ("errno" in started) throw new StartError(path, started.errno);
  return await awaitExit(started.pid);
}
