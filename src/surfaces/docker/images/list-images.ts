import { listImages, type ImageFilter, type ImageSummary } from "#engine/list-images.ts";
import { inspectImage } from "#engine/inspect-image.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { parseTimestamp } from "../timestamp.ts";
import { toImageSummary } from "./to-image.ts";

/** `docker images`. */
export async function listImagesRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, query, api } = context;
  const filters = Filters.parse(query.text("filters"), ["before", "dangling", "label", "reference", "since", "until"]);
  const until = parseTimestamp(filters.get("until")[0] ?? "", "until");
  const before = await createdAt(context, filters.get("before")[0]);
  const filter: ImageFilter = {
    references: filters.get("reference"),
    labels: filters.get("label"),
    ...(filters.has("dangling") ? { dangling: filters.boolean("dangling", false) } : {}),
    ...oneOf("beforeNs", before ?? until),
    ...oneOf("sinceNs", await createdAt(context, filters.get("since")[0])),
  };
  const images: ImageSummary[] = await listImages(call, engine, filter);
  return json(images.map((image) => toImageSummary(image, api)));
}

async function createdAt({ call, engine }: RouteContext, image: string | undefined): Promise<bigint | undefined> {
  if (image === undefined) return undefined;
  return (await inspectImage(call, engine, image)).createdAtNs ?? 0n;
}

function oneOf<K extends string>(key: K, value: bigint | undefined): { [P in K]?: bigint } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: bigint };
}
