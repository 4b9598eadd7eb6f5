import { pruneContainers } from "#engine/prune-containers.ts";
import { Filters, splitLabel } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { parseTimestamp } from "../timestamp.ts";

export async function pruneContainersRoute({ call, engine, query }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["label", "label!", "until"]);
  const untilNs = parseTimestamp(filters.get("until")[0] ?? "", "until");
  const { deleted, reclaimedBytes } = await pruneContainers(call, engine, {
    ...(untilNs === undefined ? {} : { untilNs }),
    labels: filters.get("label").map(splitLabel),
    withoutLabels: filters.get("label!").map(splitLabel),
  });
  return json({ ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimedBytes });
}
