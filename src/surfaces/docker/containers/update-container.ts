import { updateContainer } from "#engine/update-container.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toRestartPolicy } from "./to-restart-policy.ts";
import { toResources } from "./to-resources.ts";

export async function updateContainerRoute(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const resources = toResources(body);
  const hasPolicy = (body.at("RestartPolicy").at("Name").optionalString() ?? "") !== "";
  await updateContainer(context.call, context.engine, {
    container: context.name,
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    ...(hasPolicy ? { restart: toRestartPolicy(body) } : {}),
  });
  return json({ Warnings: null });
}
