import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { containerStats } from "#engine/container-stats.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { toStats, type StatsOptions, type StatsReading } from "./to-stats.ts";

const intervalMs = 1000;

/**
 * `docker stats`: a reading each second until the client goes; with `stream=0` one that has another a second before it,
 * with `one-shot` at once and without. A container that does not run reads as zeros.
 */
export async function containerStatsRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, query } = context;
  const container = await engine.containers.resolve(call, context.name);
  const options: StatsOptions = {
    id: container.id,
    name: container.name,
    onlineCpus: availableParallelism(),
    cgroupVersion: engine.runtime.features()[0]?.cgroupVersion ?? 2,
    machineMemoryBytes: totalmem(),
  };
  const stream = query.boolean("stream", true);
  const out = context.stream("application/json");
  let before = stream || query.boolean("one-shot") ? undefined : await read(context, container.id);
  if (!stream && before !== undefined) await sleep(intervalMs, undefined, { signal: call.signal });
  for (;;) {
    const now = await read(context, container.id);
    await out.write(`${JSON.stringify(toStats(now, before, options))}\n`);
    if (!stream) break;
    before = now;
    await sleep(intervalMs, undefined, { signal: call.signal });
    if ((await engine.containers.find(call, container.id)) === undefined) break;
  }
  out.end();
  return taken;
}

async function read({ call, engine }: RouteContext, id: ContainerId): Promise<StatsReading | undefined> {
  try {
    const [stats, systemCpuNs] = await Promise.all([containerStats(call, engine, id), readSystemCpu()]);
    return { stats, systemCpuNs };
  } catch (error) {
    if (isKind(error, "conflict", "notFound")) return undefined;
    throw error;
  }
}

/** CPU time of the whole machine since its start, idle time included; /proc/stat counts hundredths of a second. */
async function readSystemCpu(): Promise<bigint> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n", 1);
  const fields = line.trim().split(/\s+/).slice(1, 9);
  return fields.reduce((sum, field) => sum + BigInt(field), 0n) * 10_000_000n;
}
