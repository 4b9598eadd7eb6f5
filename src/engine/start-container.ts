import { EngineError } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import { advanceContainer } from "./advance-container.ts";
import { lockContainer } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { launchTask } from "./launch-task.ts";
import { toStartFailure } from "./start-error.ts";

/**
 * Starts a created or exited container: root filesystem, network and process; answers its record, running.
 *
 * A start by a person clears `stoppedByUser` and the restart back-off. Publishes `start`.
 *
 * @throws notModified when it runs already
 * @throws conflict when it is paused or on its way out
 * @throws invalidArgument when the command is missing (`exitCode` 127) or cannot be executed (126); the record keeps
 *   state `created` (or `exited`), the code and the text
 */
export async function startContainer(call: Call, engine: Engine, idOrName: string): Promise<Container> {
  engine.runtime.expect();
  const { id } = await engine.containers.resolve(call, idOrName);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.get(call, id);
  refuseStart(container);
  engine.supervisor.cancelRestart(id);
  return await run(call, engine, container, true);
}

/** The start that a restart policy asked for; nothing when a person was quicker. Not part of the engine's surface. */
export async function restartByPolicy(call: Call, engine: Engine, id: ContainerId): Promise<void> {
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.find(call, id);
  if (container?.status.state !== "restarting") return;
  await run(call, engine, container, false);
}

function refuseStart({ id, status }: Container): void {
  switch (status.state) {
    case "running":
      throw new EngineError("notModified", `container ${id} is already running`);
    case "paused":
      throw new EngineError("conflict", "cannot start a paused container, try unpause instead");
    case "creating":
    case "removing":
    case "dead":
      throw new EngineError("conflict", "container is marked for removal and cannot be started");
    case "created":
    case "exited":
    case "restarting":
  }
}

async function run(call: Call, engine: Engine, container: Container, byUser: boolean): Promise<Container> {
  const { id } = container;
  try {
    const { task, startedAtNs: atNs } = await launchTask(call, engine, container);
    const event = { t: "started", pid: task.pid, atNs, byUser } as const;
    const started = await advanceContainer(call, engine, id, event);
    engine.supervisor.watch(engine, started, task);
    return started;
  } catch (cause) {
    const { exitCode, error } = toStartFailure(cause);
    // Takes away whatever the attempt has made so far.
    await advanceContainer(detachedCall(call), engine, id, { t: "startFailed", exitCode, error: error.message });
    throw error;
  }
}
