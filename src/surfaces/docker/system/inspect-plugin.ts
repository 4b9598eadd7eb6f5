import { EngineError } from "#base/errors.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** There are no plugins. `docker inspect` asks here last for a name it does not know, and takes only 404 for an answer. */
export async function inspectPlugin({ name }: RouteContext): Promise<Answer> {
  throw new EngineError("notFound", `plugin ${JSON.stringify(name)} not found`);
}

/** `docker plugin ls`. */
export async function listPlugins(): Promise<Answer> {
  return json([]);
}
