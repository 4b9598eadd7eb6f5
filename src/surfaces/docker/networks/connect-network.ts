import { connectNetwork, disconnectNetwork } from "#engine/connect-network.ts";
import { toRequest } from "../containers/to-networks.ts";
import { readBody } from "../read-body.ts";
import type { Answer, RouteContext } from "../route.ts";
import { ensureNetworks } from "./ensure-networks.ts";

export async function connectNetworkRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, name, api } = context;
  const body = await readBody(context);
  await ensureNetworks(call, engine);
  const { network: _network, ...settings } = toRequest(name, body.at("EndpointConfig"), api);
  await connectNetwork(call, engine, { container: body.at("Container").string(), network: name, settings });
  return { t: "empty", status: 200 };
}

export async function disconnectNetworkRoute(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  await disconnectNetwork(context.call, context.engine, {
    container: body.at("Container").string(),
    network: context.name,
    force: body.at("Force").boolean(),
  });
  return { t: "empty", status: 200 };
}
