import { EngineError } from "#base/errors.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function removeContainerRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  if (query.boolean("link")) throw new EngineError("invalidArgument", "links: not supported");
  await removeContainer(call, engine, {
    container: name,
    force: query.boolean("force"),
    removeVolumes: query.boolean("v"),
  });
  return noContent;
}
