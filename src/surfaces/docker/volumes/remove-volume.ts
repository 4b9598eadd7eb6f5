import { removeVolume } from "#engine/remove-volume.ts";
import { noContent, type Answer, type RouteContext } from "../route.ts";

export async function removeVolumeRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  await removeVolume(call, engine, { name, force: query.boolean("force") });
  return noContent;
}
