import { removeNetwork } from "#engine/remove-network.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function removeNetworkRoute({ call, engine, name }: RouteContext): Promise<Answer> {
  await removeNetwork(call, engine, name);
  return noContent;
}
