import { EngineError } from "#base/errors.ts";
import { inspectImage } from "#engine/inspect-image.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { readPlatform } from "./read-platform.ts";
import { toImageInspect } from "./to-image.ts";

export async function inspectImageRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, name, query, api } = context;
  const platform = api >= 49 ? readPlatform(query.text("platform")) : undefined;
  if (platform !== undefined && query.boolean("manifests")) {
    throw new EngineError("invalidArgument", "conflicting options: manifests and platform options cannot both be set");
  }
  const image = await inspectImage(call, engine, name, platform === undefined ? {} : { platform });
  return json(toImageInspect(image, engine.settings.defaultSnapshotter, api));
}
