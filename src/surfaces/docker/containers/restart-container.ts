import { restartContainer } from "#engine/restart-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";
import { toStopRequest } from "./stop-container.ts";

export async function restartContainerRoute(context: RouteContext): Promise<Answer> {
  await restartContainer(context.call, context.engine, toStopRequest(context));
  return noContent;
}
