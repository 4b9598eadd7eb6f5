import type { Call } from "#core/call.ts";
import type { ContainerStatus } from "#core/containers/container-status.ts";
import type { Engine } from "./engine.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

export type ContainerExit = {
  readonly exitCode: number;
  /** Why it did not start, when that was its end; else empty. */
  readonly error: string;
};

/** A wait under way: an object, so that a surface can answer its headers before the exit. */
export type ContainerWait = { readonly exited: Promise<ContainerExit> };

/**
 * Waits until a container does not run, ends the next time, or is gone.
 *
 * The wait has begun when the returned promise settles: an exit after that is not missed. `exited` rejects when
 * `call.signal` is aborted.
 *
 * @throws notFound
 */
export async function waitContainer(
  call: Call,
  { containers, supervisor }: Pick<Engine, "containers" | "supervisor">,
  idOrName: string,
  condition: WaitCondition,
): Promise<ContainerWait> {
  const { id } = await containers.resolve(call, idOrName);
  // Begun before the record is read: whatever happens in between wakes it.
  const exited = supervisor.waiters.next(id, condition === "removed" ? "removal" : "exit", call.signal);
  const { status } = await containers.get(call, id);
  if (condition !== "not-running" || runs(status)) return { exited };
  return { exited: Promise.resolve({ exitCode: status.exitCode, error: status.error }) };
}

/** As Docker counts: about to restart is running. */
function runs({ state }: ContainerStatus): boolean {
  return state === "running" || state === "paused" || state === "restarting";
}
