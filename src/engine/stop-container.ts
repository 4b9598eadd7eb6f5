import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

export type StopContainerRequest = {
  /** Id, name or unambiguous id prefix. */
  readonly container: string;
  /** Until SIGKILL; undefined: the container's own; negative: for ever. */
  readonly graceMs?: number;
  /** Undefined: the container's own stop signal. */
  readonly signal?: string;
};

/**
 * Stops a container: its stop signal, up to `graceMs`, then SIGKILL. No restart policy acts afterwards.
 *
 * The lock is held for the signal only. Aborting `call.signal` ends the wait; a signal already sent is not taken back.
 * Publishes `kill`, `die`, `stop`.
 *
 * @throws notModified when it does not run
 * @throws deadlineExceeded when the process survives SIGKILL
 */
export async function stopContainer(_call: Call, _engine: Engine, _request: StopContainerRequest): Promise<Container> {
  throw new EngineError("notImplemented", "stop container: not implemented");
}
