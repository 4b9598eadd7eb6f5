import { stopContainer, type StopContainerRequest } from "#engine/stop-container.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function stopContainerRoute(context: RouteContext): Promise<Answer> {
  await stopContainer(context.call, context.engine, toStopRequest(context));
  return noContent;
}

/** `t` in seconds, -1 for ever; `signal` since 1.42. */
export function toStopRequest({ name, query, api }: RouteContext): StopContainerRequest {
  const seconds = query.integer("t");
  const signal = api >= 42 ? query.text("signal") : "";
  return {
    container: name,
    ...(seconds === undefined ? {} : { graceMs: seconds < 0 ? -1 : seconds * 1000 }),
    ...(signal === "" ? {} : { signal }),
  };
}
