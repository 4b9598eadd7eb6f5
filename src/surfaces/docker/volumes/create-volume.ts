import { EngineError } from "#base/errors.ts";
import { createVolume } from "#engine/create-volume.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toVolume } from "./to-volume.ts";

export async function createVolumeRoute(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const driver = body.at("Driver").optionalString() ?? "";
  if (driver !== "" && driver !== "local") {
    throw new EngineError("notFound", `create ${body.at("Name").optionalString() ?? ""}: plugin "${driver}" not found`);
  }
  if (body.at("ClusterVolumeSpec").isPresent)
    throw new EngineError("invalidArgument", "cluster volumes: not supported");
  const name = body.at("Name").optionalString() ?? "";
  const volume = await createVolume(context.call, context.engine, {
    ...(name === "" ? {} : { name }),
    labels: body.at("Labels").stringMap(),
    options: body.at("DriverOpts").stringMap(),
  });
  return json(toVolume(volume), 201);
}
