import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { ContainerEventType } from "#gen/runtime/v1/events_pb.ts";
import { eventually } from "#test/support/eventually.ts";
import { refused, type Case } from "./kubelet.ts";

const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT, CONTAINER_DELETED_EVENT } =
  ContainerEventType;

export const observation: readonly Case[] = [
  {
    title: "a container's statistics: CPU, memory, its layer",
    run: async (kubelet) => {
      const labels = { measured: "yes" };
      const podSandboxId = await kubelet.pod();
      const containerId = await kubelet.start(podSandboxId, {
        command: ["sh", "-c", "dd if=/dev/zero of=/tmp/big bs=1M count=3; while :; do :; done"],
        labels,
      });
      const stats = async () => (await kubelet.runtime.containerStats({ containerId })).stats;
      await eventually(
        "the layer grows",
        async () => ((await stats())?.writableLayer?.usedBytes?.value ?? 0n) >= 3n << 20n,
      );
      const first = await stats();
      await kubelet.runtime.stopContainer({ containerId, timeout: 0n });
      assert.deepEqual([first?.attributes?.id, first?.attributes?.labels], [containerId, labels]);
      assert.ok((first?.cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
      assert.ok((first?.memory?.workingSetBytes?.value ?? 0n) > 0n);
      const second = await kubelet.start(podSandboxId, { labels });
      const { stats: listed } = await kubelet.runtime.listContainerStats({
        filter: { podSandboxId, labelSelector: labels },
      });
      assert.deepEqual(
        listed.map(({ attributes }) => attributes?.id),
        [second],
      );
      await refused(kubelet.runtime.containerStats({ containerId: "0".repeat(64) }), Code.NotFound);
    },
  },
  {
    title: "a pod's statistics: processes, network, its containers",
    run: async (kubelet) => {
      const podSandboxId = await kubelet.networkedPod();
      const containerId = await kubelet.start(podSandboxId);
      const { stats } = await kubelet.runtime.podSandboxStats({ podSandboxId });
      assert.ok((stats?.linux?.process?.processCount?.value ?? 0n) >= 1n);
      assert.equal(stats?.linux?.network?.defaultInterface?.name, "eth0");
      assert.deepEqual(
        stats.linux.containers.map(({ attributes }) => attributes?.id),
        [containerId],
      );
      const { stats: listed } = await kubelet.runtime.listPodSandboxStats({ filter: { id: podSandboxId } });
      assert.deepEqual(
        listed.map(({ attributes }) => attributes?.id),
        [podSandboxId],
      );
    },
  },
  {
    title: "metrics: each that is described has values, of pods and containers",
    run: async (kubelet) => {
      const podSandboxId = await kubelet.networkedPod();
      const containerId = await kubelet.start(podSandboxId);
      const { descriptors } = await kubelet.runtime.listMetricDescriptors({});
      const keys = new Map(descriptors.map(({ name, labelKeys }) => [name, labelKeys]));
      assert.ok(keys.has("container_cpu_usage_seconds_total") && keys.has("container_memory_working_set_bytes"));
      const { podMetrics } = await kubelet.runtime.listPodSandboxMetrics({});
      const own = podMetrics.find((each) => each.podSandboxId === podSandboxId);
      assert.ok(own !== undefined);
      assert.ok(own.metrics.some(({ name }) => name === "container_network_receive_bytes_total"));
      const ofContainer = own.containerMetrics.find((each) => each.containerId === containerId)?.metrics ?? [];
      assert.ok(ofContainer.length > 10);
      for (const { name, labelValues } of [...own.metrics, ...ofContainer])
        assert.equal(labelValues.length, keys.get(name)?.length, name);
    },
  },
  {
    title: "events: a container is created, started, stopped and deleted",
    run: async (kubelet) => {
      const heard: [string, ContainerEventType][] = [];
      const left = new AbortController();
      const hearing = (async () => {
        for await (const { containerId, containerEventType } of kubelet.runtime.getContainerEvents(
          {},
          { signal: left.signal },
        ))
          heard.push([containerId, containerEventType]);
      })().catch(() => {});
      const podSandboxId = await kubelet.pod();
      // The stream may open after the first of them.
      await eventually("heard", async () => heard.some(([id]) => id === podSandboxId) || (await kubelet.pod()) === "");
      const containerId = await kubelet.start(podSandboxId);
      await kubelet.runtime.stopContainer({ containerId, timeout: 0n });
      await kubelet.runtime.removeContainer({ containerId });
      const own = () => heard.filter(([id]) => id === containerId).map(([, type]) => type);
      await eventually("four events", async () => own().length >= 4);
      assert.deepEqual(own(), [
        CONTAINER_CREATED_EVENT,
        CONTAINER_STARTED_EVENT,
        CONTAINER_STOPPED_EVENT,
        CONTAINER_DELETED_EVENT,
      ]);
      left.abort();
      await hearing;
    },
  },
  {
    title: "the runtime tells its version, conditions, handlers and cgroup driver, by both versions of the API",
    run: async ({ bed }) => {
      for (const { runtime } of [bed.v1, bed.v1alpha2]) {
        const { runtimeName, runtimeApiVersion } = await runtime.version({});
        assert.deepEqual([runtimeName, runtimeApiVersion], ["ferry", "v1"]);
        const { status, runtimeHandlers, info } = await runtime.status({ verbose: true });
        const conditions = new Map(status?.conditions.map((condition) => [condition.type, condition.status]));
        assert.deepEqual([conditions.get("RuntimeReady"), conditions.get("NetworkReady")], [true, true]);
        assert.ok(runtimeHandlers.some(({ name }) => name === ""));
        assert.ok(Object.keys(info).length > 0);
      }
      const { linux } = await bed.v1.runtime.runtimeConfig({});
      assert.equal(linux?.cgroupDriver, 1);
      await bed.v1.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: "10.1.0.0/16" } } });
    },
  },
];
