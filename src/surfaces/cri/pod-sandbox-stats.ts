import { nowNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { containersOf } from "#engine/stop-sandbox.ts";
import { PodSandboxState } from "#gen/runtime/v1/sandboxes_pb.ts";
import type {
  ListPodSandboxStatsRequest,
  PodSandboxStatsFilter,
  PodSandboxStatsRequest,
  StreamPodSandboxStatsRequest,
} from "#gen/runtime/v1/stats_pb.ts";
import type { Cri } from "./cri.ts";
import { pagesOf } from "./pages.ts";
import { containerRecord } from "./records.ts";
import { readTaskStats, toContainerStats, value } from "./to-container-stats.ts";
import { selectPods } from "./to-pod.ts";

export async function podSandboxStats(call: Call, cri: Cri, { podSandboxId }: PodSandboxStatsRequest) {
  return { stats: await toPodStats(call, cri, await cri.engine.sandboxes.get(call, podSandboxId)) };
}

export async function listPodSandboxStats(call: Call, cri: Cri, { filter }: ListPodSandboxStatsRequest) {
  return { stats: await read(call, cri, filter) };
}

export async function* streamPodSandboxStats(call: Call, cri: Cri, { filter }: StreamPodSandboxStatsRequest) {
  for (const podSandboxStats of pagesOf(await read(call, cri, filter))) yield { podSandboxStats };
}

async function read(call: Call, cri: Cri, filter: PodSandboxStatsFilter | undefined) {
  const pods = await selectPods(call, cri, {
    id: filter?.id ?? "",
    labelSelector: filter?.labelSelector ?? {},
    state: { $typeName: "runtime.v1.PodSandboxStateValue", state: PodSandboxState.SANDBOX_READY },
  });
  return await Promise.all(pods.map((pod) => toPodStats(call, cri, pod)));
}

/** A pod uses what its containers use together; its network is that of any of them. */
async function toPodStats(call: Call, cri: Cri, sandbox: Sandbox) {
  const containers = await containersOf(call, cri.engine, sandbox.id);
  const readings = (await Promise.all(containers.map((it) => readTaskStats(call, cri, it)))).filter(isReading);
  const own = containers.flatMap((container) => {
    const record = containerRecord(container);
    return record === undefined || container.status.state !== "running" ? [] : [{ container, record }];
  });
  const timestamp = nowNs();
  const usageNs = readings.reduce((sum, { cpu }) => sum + cpu.usageNs, 0n);
  const sum = (pick: (stats: TaskStats) => number) => value(readings.reduce((total, it) => total + pick(it), 0));
  return {
    attributes: {
      id: sandbox.id,
      metadata: sandbox.pod,
      labels: sandbox.labels,
      annotations: sandbox.annotations,
    },
    linux: {
      cpu: {
        timestamp,
        usageCoreNanoSeconds: { value: usageNs },
        usageNanoCores: { value: cri.usage.nanoCores(sandbox.id, timestamp, usageNs) },
      },
      memory: {
        timestamp,
        workingSetBytes: sum(({ memory }) => memory.workingSetBytes),
        usageBytes: sum(({ memory }) => memory.usageBytes),
        rssBytes: sum(({ memory }) => memory.rssBytes),
        pageFaults: sum(({ memory }) => memory.detail["pgfault"] ?? 0),
        majorPageFaults: sum(({ memory }) => memory.detail["pgmajfault"] ?? 0),
      },
      network: toNetwork(timestamp, readings[0]),
      process: { timestamp, processCount: sum(({ pids }) => pids.current) },
      containers: await Promise.all(own.map((it) => toContainerStats(call, cri, it))),
    },
  };
}

function toNetwork(timestamp: bigint, stats: TaskStats | undefined) {
  const all = Object.entries(stats?.networks ?? {}).map(([name, counters]) => ({
    name,
    rxBytes: value(counters.rxBytes),
    rxErrors: value(counters.rxErrors),
    txBytes: value(counters.txBytes),
    txErrors: value(counters.txErrors),
  }));
  const first = all.find(({ name }) => name === "eth0");
  return {
    timestamp,
    interfaces: all.filter((it) => it !== first),
    ...(first !== undefined && { defaultInterface: first }),
  };
}

function isReading(stats: TaskStats | undefined): stats is TaskStats {
  return stats !== undefined;
}
