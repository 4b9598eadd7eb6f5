import { inspectImage } from "#engine/inspect-image.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { readPlatform } from "./read-platform.ts";
import { toHistory } from "./to-image.ts";

/** `docker history`. */
export async function imageHistory({ call, engine, name, query, api }: RouteContext): Promise<Answer> {
  const platform = api >= 48 ? readPlatform(query.text("platform")) : undefined;
  return json(toHistory(await inspectImage(call, engine, name, platform === undefined ? {} : { platform })));
}
