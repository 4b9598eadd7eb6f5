import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import { publishContainer } from "./container-event.ts";
import { step, type Effect, type MachineEvent, type MachineState } from "./container-machine.ts";
import type { Engine } from "./engine.ts";
import { releaseContainer } from "./release-container.ts";

/**
 * Puts an event through the container's machine: stores the new status, then does the effects in order.
 *
 * The caller holds the container's lock. Answers the record as stored.
 */
export async function advanceContainer(
  call: Call,
  engine: Engine,
  id: ContainerId,
  event: MachineEvent,
): Promise<Container> {
  let effects: readonly Effect[] = [];
  const container = await engine.containers.update(call, id, (container) => {
    const next = step(machineState(engine, container), event);
    effects = next.effects;
    engine.supervisor.noteDelay(id, next.state.delayMs);
    return { ...container, status: next.state.status };
  });
  for (const effect of effects) await perform(call, engine, container, effect);
  return container;
}

function machineState({ supervisor }: Engine, { id, status, config }: Container): MachineState {
  return {
    status,
    restart: config.restart,
    autoRemove: config.autoRemove,
    healthCheck: config.health,
    delayMs: supervisor.delayMs(id),
  };
}

async function perform(call: Call, engine: Engine, container: Container, effect: Effect): Promise<void> {
  const { supervisor } = engine;
  switch (effect.t) {
    case "publish":
      return publishContainer(engine, container, effect.action, effect.attributes);
    case "release":
      return await releaseContainer(call, engine, container);
    case "probe":
      return supervisor.probe(engine, container);
    case "endProbes":
      return supervisor.endProbes(container.id);
    case "restartAfter":
      return supervisor.restartAfter(engine, container, effect.delayMs);
    case "cancelRestart":
      return supervisor.cancelRestart(container.id);
    case "wake":
      return supervisor.waiters.wake(container.id, "exit", { exitCode: effect.exitCode, error: "" });
    case "remove":
      return supervisor.removeSoon(engine, container);
  }
}
