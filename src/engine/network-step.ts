import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/** Until `container-network.ts` is there. */
export async function attachNetworks(
  _call: Call,
  _engine: Engine,
  container: Container,
  _path: string,
): Promise<Container> {
  return container;
}

export async function detachNetworks(_call: Call, _engine: Engine, _container: Container): Promise<void> {}

export async function recoverNetworks(_call: Call, _engine: Engine, _running: readonly Container[]): Promise<void> {}
