import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { Task } from "#core/tasks/runtime.ts";
import { advanceContainer } from "./advance-container.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { isUp } from "./container-machine.ts";
import type { Engine } from "./engine.ts";
import { findTask } from "./find-task.ts";
import { parseSignal, signalNumber } from "./signals.ts";
import { waitContainer, type ContainerWait } from "./wait-container.ts";

export type StopContainerRequest = {
  /** Id, name or unambiguous id prefix. */
  readonly container: string;
  /** Until SIGKILL; undefined: the container's own; negative: for ever. */
  readonly graceMs?: number;
  /** Undefined: the container's own stop signal. */
  readonly signal?: string;
};

const killWaitMs = 10_000;

/**
 * Stops a container: its stop signal, up to `graceMs`, then SIGKILL. No restart policy acts afterwards.
 *
 * The lock is held for the signals only. Aborting `call.signal` ends the wait; a signal already sent is not taken back.
 * Publishes `kill`, `die`, `stop`.
 *
 * @throws notModified when it does not run
 * @throws deadlineExceeded when the process survives SIGKILL
 */
export async function stopContainer(call: Call, engine: Engine, request: StopContainerRequest): Promise<Container> {
  const container = await engine.containers.resolve(call, request.container);
  const { id, config } = container;
  const signal = parseSignal(request.signal ?? config.stopSignal);
  using stop = new AbortedAtEnd(call);
  const { exited } = await waitContainer(stop.call, engine, id, "next-exit");
  const task = await signalOnce(call, engine, id, signal);
  if (task !== undefined && !(await endsWithin(exited, request.graceMs ?? config.stopTimeoutMs))) {
    await sendSignal(call, engine, await engine.containers.get(call, id), task, "SIGKILL");
    if (!(await endsWithin(exited, killWaitMs))) {
      throw new EngineError("deadlineExceeded", `container ${id}: alive after SIGKILL`);
    }
  }
  // One that removes itself may have gone already.
  const stopped = (await engine.containers.find(call, id)) ?? container;
  publishContainer(engine, stopped, "stop");
  return stopped;
}

/** Sends the stop signal under the lock; undefined when there was only a restart to call off. */
async function signalOnce(call: Call, engine: Engine, id: ContainerId, signal: string): Promise<Task | undefined> {
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  const restarting = container.status.state === "restarting";
  if (!isUp(container.status) && !restarting) {
    throw new EngineError("notModified", `container ${id} is already stopped`);
  }
  await advanceContainer(call, engine, id, { t: "stopAsked" });
  if (restarting) return undefined;
  const task = await findTask(call, engine, container);
  // A frozen process would see the signal only when it is thawed.
  if (container.status.state === "paused") await task?.resume(call);
  if (task !== undefined) await sendSignal(call, engine, container, task, signal);
  return task;
}

async function sendSignal(call: Call, engine: Engine, container: Container, task: Task, signal: string): Promise<void> {
  try {
    await task.kill(call, signal);
    publishContainer(engine, container, "kill", { signal: String(signalNumber(signal)) });
  } catch (error) {
    // Gone already: its exit is on the way.
    if (!isKind(error, "notFound")) throw error;
  }
}

async function endsWithin(exited: ContainerWait["exited"], limitMs: number): Promise<boolean> {
  if (limitMs < 0) return await exited.then(() => true);
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, limitMs, false);
  try {
    return await Promise.race([exited.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A call whose signal is aborted at the end of the scope, so that a wait it began does not stay behind. */
class AbortedAtEnd implements Disposable {
  readonly #controller = new AbortController();
  readonly call: Call;

  constructor(call: Call) {
    this.call = { ...call, signal: AbortSignal.any([call.signal, this.#controller.signal]) };
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}
