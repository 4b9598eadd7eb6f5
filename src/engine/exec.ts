import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { TaskStreams, TerminalSize } from "#core/tasks/runtime.ts";
import type { ExecRecord } from "./exec-registry.ts";
import type { Engine } from "./engine.ts";

export type CreateExecRequest = {
  readonly container: string;
  /** Not empty. */
  readonly args: readonly string[];
  /** `KEY=value`, on top of the container's. */
  readonly env: readonly string[];
  /** Empty: the container's. */
  readonly user: string;
  /** Empty: the container's. */
  readonly workdir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
};

export type StartExecRequest = {
  readonly execId: string;
  /** Streams are not wanted; whatever the exec was created with is ignored then. */
  readonly detach: boolean;
  readonly size?: TerminalSize;
};

/**
 * Prepares a further process in a running container. Publishes `exec_create: <command>`.
 *
 * @throws conflict when the container does not run or is paused
 */
export async function createExec(_call: Call, _engine: Engine, _request: CreateExecRequest): Promise<ExecRecord> {
  throw new EngineError("notImplemented", "create exec: not implemented");
}

/**
 * Runs a prepared exec; the caller disposes the streams, which are there unless `detach`.
 *
 * Publishes `exec_start: <command>`, and `exec_die` at its end.
 *
 * @throws notFound @throws conflict when it ran already or the container has stopped
 * @throws invalidArgument when the command is missing (the record says 127) or cannot be executed (126)
 */
export async function startExec(
  _call: Call,
  _engine: Engine,
  _request: StartExecRequest,
): Promise<{ exec: ExecRecord; streams?: TaskStreams }> {
  throw new EngineError("notImplemented", "start exec: not implemented");
}

/**
 * Sets the size of an exec's terminal.
 *
 * @throws notFound @throws conflict when it does not run
 */
export async function resizeExec(_call: Call, _engine: Engine, _execId: string, _size: TerminalSize): Promise<void> {
  throw new EngineError("notImplemented", "resize exec: not implemented");
}

/** What is known of an exec, `pid` and exit code as they are now. @throws notFound */
export function inspectExec(call: Call, engine: Pick<Engine, "execs">, execId: string): ExecRecord {
  return engine.execs.get(call.namespace, execId);
}

/** Execs of a container, ended ones too for a while. */
export function listExecs(call: Call, engine: Pick<Engine, "execs">, containerId: ContainerId): ExecRecord[] {
  return engine.execs.list(call.namespace, containerId);
}
