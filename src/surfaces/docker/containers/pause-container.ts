import { pauseContainer, unpauseContainer } from "#engine/pause-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function pauseContainerRoute({ call, engine, name }: RouteContext): Promise<Answer> {
  await pauseContainer(call, engine, name);
  return noContent;
}

export async function unpauseContainerRoute({ call, engine, name }: RouteContext): Promise<Answer> {
  await unpauseContainer(call, engine, name);
  return noContent;
}
