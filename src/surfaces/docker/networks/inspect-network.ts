import { json, type Answer, type RouteContext } from "../route.ts";
import { ensureNetworks } from "./ensure-networks.ts";
import { toNetworkInspect } from "./to-network.ts";

export async function inspectNetwork({ call, engine, name, api }: RouteContext): Promise<Answer> {
  await ensureNetworks(call, engine);
  const network = await engine.networks.get(call, name);
  return json(toNetworkInspect(network, await engine.containers.list(call), api));
}
