import { volumeUsers } from "#engine/remove-volume.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toVolume } from "./to-volume.ts";

/** `docker volume ls`. */
export async function listVolumes({ call, engine, query }: RouteContext): Promise<Answer> {
  const filters = Filters.parse(query.text("filters"), ["dangling", "driver", "label", "name"]);
  const users = filters.has("dangling") ? volumeUsers(await engine.containers.list(call)) : new Map();
  const volumes = (await engine.volumes.list(call)).filter(
    ({ name, driver, labels }) =>
      (!filters.has("dangling") || filters.boolean("dangling", false) === !users.has(name)) &&
      filters.some("driver", (value) => value === driver) &&
      filters.matchName("name", name) &&
      filters.matchLabels(labels),
  );
  return json({ Volumes: volumes.map((volume) => toVolume(volume)), Warnings: null });
}
