import { adoptVolume } from "#engine/adopt-volume.ts";
import { hostPathAt } from "../host-path.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** Ferry's own: a volume with the files of another engine's. `{"Name", "Files": path}`; answers `{"Name", "How"}`. */
export async function adoptVolumeRoute(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const request = { name: body.at("Name").string(), filesDirectory: hostPathAt(body, "Files") };
  const { volume, how } = await adoptVolume(context.call, context.engine, request);
  return json({ Name: volume.name, How: how });
}
