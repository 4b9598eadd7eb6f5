import { nowNs } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { TaskStats } from "#core/tasks/task-stats.ts";
import { filesystemRoom, processUsage, type FilesystemRoom } from "#engine/process-usage.ts";
import { containersOf } from "#engine/stop-sandbox.ts";
import {
  MetricType,
  type ListMetricDescriptorsRequest,
  type ListPodSandboxMetricsRequest,
  type StreamPodSandboxMetricsRequest,
} from "#gen/runtime/v1/metrics_pb.ts";
import type { Cri } from "./cri.ts";
import { containerMetrics, networkMetrics, type MetricFacts } from "./metric-table.ts";
import { pagesOf } from "./pages.ts";
import { containerRecord } from "./records.ts";
import { readDisk, readTaskStats, value } from "./to-container-stats.ts";
import { selectPods } from "./to-pod.ts";

const commonLabels = ["container", "id", "image", "name", "namespace", "pod"];

export async function listMetricDescriptors(_call: Call, _cri: Cri, _request: ListMetricDescriptorsRequest) {
  const ofContainers = containerMetrics.map(({ name, help, labels = [] }) => ({
    name,
    help,
    labelKeys: [...commonLabels, ...labels],
  }));
  const labelKeys = [...commonLabels, "interface"];
  return { descriptors: [...ofContainers, ...networkMetrics.map(({ name, help }) => ({ name, help, labelKeys }))] };
}

export async function listPodSandboxMetrics(call: Call, cri: Cri, _request: ListPodSandboxMetricsRequest) {
  return { podMetrics: await readAll(call, cri) };
}

export async function* streamPodSandboxMetrics(call: Call, cri: Cri, _request: StreamPodSandboxMetricsRequest) {
  for (const podSandboxMetrics of pagesOf(await readAll(call, cri))) yield { podSandboxMetrics };
}

async function readAll(call: Call, cri: Cri) {
  const [pods, room] = await Promise.all([selectPods(call, cri, undefined), filesystemRoom(cri.engine)]);
  const ready = pods.filter(({ state }) => state === "ready");
  return await Promise.all(ready.map((sandbox) => readPod(call, cri, sandbox, room)));
}

async function readPod(call: Call, cri: Cri, sandbox: Sandbox, room: FilesystemRoom) {
  const containers = await containersOf(call, cri.engine, sandbox.id);
  const facts = await Promise.all(containers.map((it) => readFacts(call, cri, it, room)));
  const known = facts.filter((it) => it !== undefined);
  return {
    podSandboxId: sandbox.id,
    metrics: toNetworkMetrics(sandbox, known[0]?.stats),
    containerMetrics: known.map((it) => ({ containerId: it.container.id, metrics: toMetrics(sandbox, it) })),
  };
}

/** Undefined for a container that does not run. */
async function readFacts(
  call: Call,
  cri: Cri,
  container: MetricFacts["container"],
  room: FilesystemRoom,
): Promise<MetricFacts | undefined> {
  const stats = await readTaskStats(call, cri, container);
  if (stats === undefined) return undefined;
  try {
    const [disk, processes] = await Promise.all([
      readDisk(call, cri, container),
      processUsage(call, cri.engine, container),
    ]);
    return { container, stats, disk, room, processes };
  } catch (error) {
    if (isKind(error, "conflict", "notFound")) return undefined;
    throw error;
  }
}

function toMetrics({ pod }: Sandbox, facts: MetricFacts) {
  const { container, stats } = facts;
  const record = containerRecord(container);
  const common = [record?.name ?? "", container.id, record?.image ?? "", container.name, pod.namespace, pod.name];
  return containerMetrics.flatMap(({ name, type, read }) =>
    read(facts).map(({ labels = [], value: count }) => ({
      name,
      timestamp: stats.readAtNs,
      metricType: type === "counter" ? MetricType.COUNTER : MetricType.GAUGE,
      labelValues: [...common, ...labels],
      value: value(count),
    })),
  );
}

function toNetworkMetrics({ id, name, pod }: Sandbox, stats: TaskStats | undefined) {
  const common = ["", id, "", name, pod.namespace, pod.name];
  return Object.entries(stats?.networks ?? {}).flatMap(([interfaceName, counters]) =>
    networkMetrics.map((metric) => ({
      name: metric.name,
      timestamp: stats?.readAtNs ?? nowNs(),
      metricType: MetricType.COUNTER,
      labelValues: [...common, interfaceName],
      value: value(counters[metric.of]),
    })),
  );
}
