import { json, type Answer, type RouteContext } from "../route.ts";
import { toVolume } from "./to-volume.ts";

export async function inspectVolume({ call, engine, name }: RouteContext): Promise<Answer> {
  return json(toVolume(await engine.volumes.get(call, name)));
}
