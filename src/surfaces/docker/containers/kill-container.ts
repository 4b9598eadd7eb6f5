import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import { killContainer } from "#engine/kill-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function killContainerRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  const signal = query.text("signal");
  try {
    await killContainer(call, engine, { container: name, ...(signal === "" ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(kindOf(error), `cannot kill container: ${name}: ${messageOf(error)}`, { cause: error });
  }
  return noContent;
}
