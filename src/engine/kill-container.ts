import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { advanceContainer } from "./advance-container.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { getTask, notRunning } from "./find-task.ts";
import { parseSignal, signalNumber } from "./signals.ts";
import { waitContainer } from "./wait-container.ts";

export type KillContainerRequest = {
  readonly container: string;
  /** Name or number; undefined: SIGKILL. */
  readonly signal?: string;
};

/** How long a process that got SIGKILL may take to end before that is not waited for any more. */
const killWaitMs = 10_000;

/**
 * Sends a signal to the container's first process. SIGKILL waits for the end; it and the stop signal keep the restart
 * policy quiet. Publishes `kill`.
 *
 * @throws conflict when it does not run
 * @throws invalidArgument when there is no such signal
 */
export async function killContainer(call: Call, engine: Engine, request: KillContainerRequest): Promise<void> {
  const signal = parseSignal(request.signal ?? "SIGKILL");
  const { id } = await engine.containers.resolve(call, request.container);
  if (signal !== "SIGKILL") return await signalContainer(call, engine, id, signal);
  const limited = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(killWaitMs)]) };
  const { exited } = await waitContainer(limited, engine, id, "next-exit");
  await signalContainer(call, engine, id, signal);
  try {
    await exited;
  } catch (error) {
    // A process stuck in the kernel has the signal all the same.
    if (!isKind(error, "deadlineExceeded")) throw error;
  }
}

/** Sends `signal` under the lock. @throws conflict when it does not run */
async function signalContainer(call: Call, engine: Engine, id: Container["id"], signal: string): Promise<void> {
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  if (container.status.state === "restarting" && signal === "SIGKILL") {
    await advanceContainer(call, engine, id, { t: "stopAsked" });
    engine.supervisor.waiters.wake(id, "exit", { exitCode: container.status.exitCode, error: "" });
    return;
  }
  const task = await getTask(call, engine, container);
  const stops = signal === "SIGKILL" || signal === parseSignal(container.config.stopSignal);
  if (stops) await advanceContainer(call, engine, id, { t: "stopAsked" });
  try {
    await task.kill(call, signal);
  } catch (error) {
    if (isKind(error, "notFound")) throw notRunning(container);
    throw error;
  }
  publishContainer(engine, container, "kill", { signal: String(signalNumber(signal)) });
}
