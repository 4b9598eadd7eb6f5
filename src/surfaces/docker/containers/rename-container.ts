import { EngineError } from "#base/errors.ts";
import { renameContainer } from "#engine/rename-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function renameContainerRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  const newName = query.text("name").replace(/^\//, "");
  if (newName === "") throw new EngineError("invalidArgument", "Neither old nor new names may be empty");
  await renameContainer(call, engine, name, newName);
  return noContent;
}
