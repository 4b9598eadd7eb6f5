/** How a child ended: by itself with `code`, or by `signal` (its number, else 0). */
export type ChildExit = { readonly code: number; readonly signal: number };

export type RunningChild = {
  readonly pid: number;
  /** Settles when it has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Nothing when it has ended. */
  kill(signal: NodeJS.Signals): void;
};

/** A signal that got lost must not leave a child for ever; it also keeps the process up while there are children. */
const lookAgainMs = 1_000;

/** State of the module's own: the kernel has one table of children, and one signal for it, for the whole process. */
const children = new Map<number, (status: number) => void>();
let reap: ((pid: number) => number | undefined) | undefined;
let timer: NodeJS.Timeout | undefined;

/**
 * Takes up a child that was just started, by nobody else waited for. Node's own children are not touched: each is waited
 * for by its own pid.
 */
export async function awaitExit(pid: number): Promise<RunningChild> {
  const { promise: exited, resolve } = Promise.withResolvers<ChildExit>();
  children.set(pid, (status) => resolve(toExit(status)));
  if (reap === undefined) {
    ({ reap } = await import("./syscalls.ts"));
    process.on("SIGCHLD", lookAtAll);
  }
  timer ??= setInterval(lookAtAll, lookAgainMs);
  // It may have ended before anybody listened.
  lookAtAll();
  return { pid, exited, kill: (signal) => void (children.has(pid) && process.kill(pid, signal)) };
}

function lookAtAll(): void {
  for (const [pid, settle] of children) {
    const status = reap?.(pid);
    if (status === undefined) continue;
    children.delete(pid);
    settle(status);
  }
  if (children.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** Source: wait(2), `WIFEXITED` and its kin. */
function toExit(status: number): ChildExit {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal } : { code: 128 + signal, signal };
}
