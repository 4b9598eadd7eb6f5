import { pruneNetworks } from "#engine/prune-networks.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { parseTimestamp } from "../timestamp.ts";

export async function pruneNetworksRoute({ call, engine, query }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["label", "label!", "until"]);
  const beforeNs = parseTimestamp(filters.get("until")[0] ?? "", "until");
  const removed = await pruneNetworks(call, engine, {
    accepts: ({ labels }) => filters.matchLabels(labels),
    ...(beforeNs === undefined ? {} : { beforeNs }),
  });
  return json({ NetworksDeleted: removed.length > 0 ? removed.map(({ name }) => name) : null });
}
