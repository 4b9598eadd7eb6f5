import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { publishContainer } from "./container-event.ts";
import type { Engine } from "./engine.ts";
import { startContainer } from "./start-container.ts";
import { stopContainer, type StopContainerRequest } from "./stop-container.ts";

/**
 * Stops a container if it runs, then starts it. Publishes `restart` after the events of both.
 *
 * An `autoRemove` container is kept.
 *
 * @throws as stop and start, but never notModified
 */
export async function restartContainer(call: Call, engine: Engine, request: StopContainerRequest): Promise<Container> {
  const { id, config } = await engine.containers.resolve(call, request.container);
  if (config.autoRemove) await setAutoRemove(call, engine, id, false);
  try {
    await ignoreNotModified(stopContainer(call, engine, { ...request, container: id }));
    await ignoreNotModified(startContainer(call, engine, id));
  } finally {
    if (config.autoRemove) await setAutoRemove(call, engine, id, true);
  }
  const container = await engine.containers.get(call, id);
  publishContainer(engine, container, "restart");
  return container;
}

async function setAutoRemove(call: Call, { containers }: Engine, id: Container["id"], autoRemove: boolean) {
  await containers.update(call, id, (container) => ({ ...container, config: { ...container.config, autoRemove } }));
}

async function ignoreNotModified(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, "notModified")) throw error;
  }
}
