import { EngineError } from "#base/errors.ts";
import { parsePlatform } from "#core/images/platform.ts";
import { importImage } from "#engine/import-image.ts";
import { encodeMessage, message } from "../json-messages.ts";
import { bodyChunks } from "../read-body.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { parseChanges } from "./parse-changes.ts";

/** `docker import` of what the client sends. The daemon fetches nothing by itself. */
export async function importImageRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, query } = context;
  const source = query.text("fromSrc");
  if (source !== "-") {
    throw new EngineError(
      "invalidArgument",
      `fromSrc ${JSON.stringify(source)}: only "-", the request's body, is supported`,
    );
  }
  const [repo, tag, platform] = [query.text("repo"), query.text("tag"), query.text("platform")];
  const { imageId } = await importImage(call, engine, {
    rootfs: bodyChunks(context),
    config: parseChanges(query.all("changes")),
    message: query.text("message") || "Imported from -",
    ...(repo === "" ? {} : { name: tag === "" ? repo : `${repo}:${tag}` }),
    ...(platform === "" ? {} : { platform: parsePlatform(platform, engine.settings.platform) }),
  });
  const out = context.stream("application/json");
  await out.write(encodeMessage(message(imageId)));
  out.end();
  return taken;
}
