import { pruneVolumes } from "#engine/prune-volumes.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** Named volumes too before 1.42, later only with the filter `all`. */
export async function pruneVolumesRoute({ call, engine, query, api }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["all", "label", "label!"]);
  const { removed, reclaimedBytes } = await pruneVolumes(call, engine, {
    all: api < 42 || filters.boolean("all", false),
    accepts: ({ labels }) => filters.matchLabels(labels),
  });
  return json({ VolumesDeleted: removed, SpaceReclaimed: reclaimedBytes });
}
