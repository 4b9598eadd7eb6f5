import { pruneImages } from "#engine/prune-images.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { parseTimestamp } from "../timestamp.ts";
import { toDeleteResponse } from "./delete-image.ts";

export async function pruneImagesRoute({ call, engine, query }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["dangling", "label", "label!", "until"]);
  const untilNs = parseTimestamp(filters.get("until")[0] ?? "", "until");
  const pruned = await pruneImages(call, engine, {
    all: !filters.boolean("dangling", true),
    labels: filters.get("label"),
    excludeLabels: filters.get("label!"),
    ...(untilNs === undefined ? {} : { untilNs }),
  });
  const deleted = toDeleteResponse(pruned);
  return json({ ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: pruned.reclaimedBytes });
}
