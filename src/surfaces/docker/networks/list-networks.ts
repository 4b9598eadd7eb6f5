import type { Call } from "#core/call.ts";
import type { Network } from "#core/networks/network.ts";
import type { Engine } from "#engine/engine.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { ensureNetworks } from "./ensure-networks.ts";
import { toNetwork } from "./to-network.ts";

/** `docker network ls`. */
export async function listNetworks({ call, engine, query, api }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["dangling", "driver", "id", "label", "name", "scope", "type"]);
  if (!filters.get("type").every((value) => value === "custom" || value === "builtin")) throw filters.invalid("type");
  await ensureNetworks(call, engine);
  const used = filters.has("dangling") ? await usedNetworks(call, engine) : new Set<string>();
  const networks = (await engine.networks.list(call)).filter((network) => fits(network, filters, used));
  return json(networks.map((network) => toNetwork(network, api)));
}

function fits(network: Network, filters: Filters, used: ReadonlySet<string>): boolean {
  const dangling = !network.builtin && !used.has(network.id);
  return (
    (!filters.has("dangling") || filters.boolean("dangling", false) === dangling) &&
    filters.some("driver", (value) => value === network.driver || (value === "null" && network.driver === "none")) &&
    filters.some("id", (value) => network.id.startsWith(value)) &&
    filters.matchName("name", network.name) &&
    filters.some("scope", (value) => value === "local") &&
    filters.some("type", (value) => (value === "builtin") === network.builtin) &&
    filters.matchLabels(network.labels)
  );
}

async function usedNetworks(call: Call, { containers }: Pick<Engine, "containers">): Promise<Set<string>> {
  const all = await containers.list(call);
  return new Set(all.flatMap(({ attachments }) => attachments.map(({ networkId }) => networkId)));
}
