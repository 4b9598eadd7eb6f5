import { EngineError } from "#base/errors.ts";
import { saveImages } from "#engine/save-images.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { readPlatform } from "./read-platform.ts";

/** `docker save` of one image (by the path) or several (`names`). */
export async function saveImagesRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, name, query, api } = context;
  const names = name === "" ? query.all("names").flatMap((text) => text.split(",")) : [name];
  const references = names.filter((text) => text !== "");
  if (references.length === 0) throw new EngineError("invalidArgument", "no image names given");
  const platforms = api >= 48 ? query.all("platform") : [];
  if (platforms.length > 1) {
    throw new EngineError("invalidArgument", "multiple platform parameters are not supported");
  }
  const platform = readPlatform(platforms[0] ?? "");
  const archive = await saveImages(call, engine, { references, ...(platform === undefined ? {} : { platform }) });
  const out = context.stream("application/x-tar");
  for await (const chunk of archive) await out.write(chunk);
  out.end();
  return taken;
}
