import { EngineError } from "#base/errors.ts";
import { startContainer } from "#engine/start-container.ts";
import { readAll } from "../read-body.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function startContainerRoute({ call, engine, name, query, body }: RouteContext): Promise<Answer> {
  if ((await readAll(body, 1024)).length > 7) {
    throw new EngineError(
      "invalidArgument",
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
  }
  if (query.text("checkpoint") !== "") throw new EngineError("notImplemented", "checkpoint: not implemented");
  await startContainer(call, engine, name);
  return noContent;
}
