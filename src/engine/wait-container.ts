import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
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
  _call: Call,
  _engine: Engine,
  _idOrName: string,
  _condition: WaitCondition,
): Promise<ContainerWait> {
  throw new EngineError("notImplemented", "wait container: not implemented");
}
