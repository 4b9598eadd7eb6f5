import { nowNs } from "#base/clock.ts";
import type { Container } from "#core/containers/container.ts";
import { containerSize } from "#engine/disk-usage.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { listFilterKeys, selectContainers } from "./select-containers.ts";
import { toSummary } from "./to-summary.ts";
import { volumePathsOf } from "./volume-paths.ts";

/** `docker ps`. */
export async function listContainers(context: RouteContext): Promise<Answer> {
  const { call, engine, query, api } = context;
  const filters = Filters.parse(query.text("filters"), listFilterKeys);
  const limit = query.integer("limit") ?? 0;
  const all = query.boolean("all");
  const containers = await selectContainers(context, { all, limit, filters });
  const volumes = await volumePathsOf(call, engine, containers);
  const options = { api, now: nowNs(), volumes };
  if (!query.boolean("size")) return json(containers.map((container) => toSummary(container, options)));
  const summaries = await Promise.all(
    containers.map(async (container) => toSummary(container, { ...options, size: await sizeOf(context, container) })),
  );
  return json(summaries);
}

async function sizeOf({ call, engine }: RouteContext, container: Container) {
  const { writable, rootBytes } = await containerSize({ ...call, namespace: container.namespace }, engine, container);
  return { writableBytes: writable.sizeBytes, rootBytes };
}
