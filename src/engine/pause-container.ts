import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { advanceContainer } from "./advance-container.ts";
import { lockContainer } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";

/**
 * Freezes every process of a container. Publishes `pause`.
 *
 * @throws conflict when it does not run or is paused
 */
export async function pauseContainer(call: Call, engine: Engine, idOrName: string): Promise<Container> {
  const { id } = await engine.containers.resolve(call, idOrName);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  const task = await getTask(call, engine, container);
  if (container.status.state === "paused") {
    throw new EngineError("conflict", `container ${id} is already paused`);
  }
  await task.pause(call);
  return await advanceContainer(call, engine, id, { t: "paused" });
}

/**
 * Lets a paused container go on. Publishes `unpause`.
 *
 * @throws conflict when it is not paused
 */
export async function unpauseContainer(call: Call, engine: Engine, idOrName: string): Promise<Container> {
  const { id } = await engine.containers.resolve(call, idOrName);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  if (container.status.state !== "paused") throw new EngineError("conflict", `Container ${id} is not paused`);
  const task = await getTask(call, engine, container);
  await task.resume(call);
  return await advanceContainer(call, engine, id, { t: "resumed" });
}
