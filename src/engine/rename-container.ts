import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { stateNames } from "./container-network.ts";
import { parseContainerName } from "./container-name.ts";
import type { Engine } from "./engine.ts";
import { isServed, restatePeers } from "./restate-peers.ts";

/**
 * Gives a container another name, also in the networks it is on. Publishes `rename` with `oldName`.
 *
 * @throws conflict when the name is in use
 * @throws invalidArgument when it is empty, malformed or the one it has
 */
export async function renameContainer(
  call: Call,
  engine: Engine,
  idOrName: string,
  newName: string,
): Promise<Container> {
  if (newName === "") throw new EngineError("invalidArgument", "Neither old nor new names may be empty");
  const name = parseContainerName(newName);
  const { id } = await engine.containers.resolve(call, idOrName);
  using _lock = await lockContainer(call, engine, id);
  const before = await engine.containers.get(call, id);
  if (before.name === name) {
    throw new EngineError("invalidArgument", "Renaming a container with the same name as its current name");
  }
  const container = await engine.containers.update(call, id, (it) => ({ ...it, name }));
  for (const attachment of container.attachments) {
    const network = await engine.networks.get(call, attachment.networkId);
    await stateNames(engine, container, network, attachment);
    if (!isServed(engine, network)) await restatePeers(call, engine, network);
  }
  publishContainer(engine, container, "rename", { oldName: `/${before.name}` });
  return container;
}
