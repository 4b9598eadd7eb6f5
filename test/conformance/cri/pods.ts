import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Code } from "@connectrpc/connect";
import { PodSandboxState } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { refused, type Case } from "./kubelet.ts";

export const pods: readonly Case[] = [
  {
    title: "is listed by id, state and labels, by both versions, and its status tells what was asked for",
    run: async (kubelet) => {
      const labels = { app: "listed", tier: "one" };
      const annotations = { note: "kept" };
      const id = await kubelet.pod({ labels, annotations });
      const other = await kubelet.pod({ labels: { app: "listed", tier: "two" } });
      const ready = { state: { state: PodSandboxState.SANDBOX_READY } };
      const list = async (filter: object) => {
        const found = await kubelet.bed.v1.runtime.listPodSandbox({ filter });
        assert.deepEqual(await kubelet.bed.v1alpha2.runtime.listPodSandbox({ filter }), found);
        return found.items.map((item) => item.id).sort();
      };
      assert.deepEqual(await list({ labelSelector: { app: "listed" } }), [id, other].sort());
      assert.deepEqual(await list({ labelSelector: labels, ...ready }), [id]);
      assert.deepEqual(await list({ id: id.slice(0, 20) }), [id]);
      assert.deepEqual(await list({ id, state: { state: PodSandboxState.SANDBOX_NOTREADY } }), []);
      const { status } = await kubelet.runtime.podSandboxStatus({ podSandboxId: id });
      assert.deepEqual([status?.labels, status?.annotations], [labels, annotations]);
      assert.equal(status?.linux?.namespaces?.options?.network, NamespaceMode.NODE);
    },
  },
  {
    title: "of the same name, uid and attempt as another is refused",
    run: async (kubelet) => {
      const metadata = { name: "twice", uid: "twice", namespace: "default", attempt: 0 };
      await kubelet.pod({ metadata });
      await refused(kubelet.pod({ metadata }), Code.AlreadyExists);
      await kubelet.pod({ metadata: { ...metadata, attempt: 1 } });
    },
  },
  {
    title: "stopped is not ready, ends its containers and takes no more; removed it takes them with it",
    run: async (kubelet) => {
      const podSandboxId = await kubelet.pod();
      const containerId = await kubelet.start(podSandboxId);
      for (const _ of [1, 2]) await kubelet.runtime.stopPodSandbox({ podSandboxId });
      const { status } = await kubelet.runtime.podSandboxStatus({ podSandboxId });
      assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY);
      assert.equal((await kubelet.exited(containerId)).exitCode, 137);
      await refused(kubelet.create(podSandboxId), Code.FailedPrecondition);
      for (const _ of [1, 2]) await kubelet.runtime.removePodSandbox({ podSandboxId });
      await refused(kubelet.runtime.containerStatus({ containerId }), Code.NotFound);
    },
  },
  {
    title: "has its hostname, in files and for every container",
    run: async (kubelet) => {
      const podSandboxId = await kubelet.networkedPod({ hostname: "one-name" });
      for (const container of [await kubelet.start(podSandboxId), await kubelet.start(podSandboxId)])
        assert.equal(
          await kubelet.shell(container, "hostname; cat /etc/hostname; echo $HOSTNAME"),
          "one-name\none-name\none-name",
        );
    },
  },
  {
    title: "has its sysctls, and those that are not of its namespaces are refused",
    run: async (kubelet) => {
      const namespaceOptions = { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER };
      const withSysctls = async (sysctls: Record<string, string>) =>
        await kubelet.pod({ linux: { sysctls, securityContext: { namespaceOptions } } });
      const id = await withSysctls({ "net.ipv4.ip_local_port_range": "2000 3000", "kernel.shm_rmid_forced": "1" });
      const read = "cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced";
      assert.equal(await kubelet.shell(await kubelet.start(id), read), "2000\t3000\n1");
      const panic = await readFile("/proc/sys/kernel/panic", "utf8");
      for (const name of ["kernel.panic", "net/../kernel/panic", "net.no.such"])
        await refused(withSysctls({ [name]: panic.trim() }), Code.InvalidArgument);
      const inHost = { namespaceOptions: { network: NamespaceMode.NODE } };
      const ofHost = { sysctls: { "net.ipv4.ip_forward": "1" }, securityContext: inHost };
      await refused(kubelet.pod({ linux: ofHost }), Code.InvalidArgument);
    },
  },
  {
    title: "puts its containers below its cgroup",
    run: async (kubelet) => {
      const cgroupParent = `${kubelet.bed.cgroupParent}/kubepods/pod-of-a-test`;
      const namespaceOptions = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER };
      const pod = await kubelet.pod({ linux: { cgroupParent, securityContext: { namespaceOptions } } });
      const containerId = await kubelet.start(pod);
      const { info } = await kubelet.runtime.containerStatus({ containerId, verbose: true });
      const { pid } = JSON.parse(info["info"] ?? "{}") as { pid?: number };
      const cgroups = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
      assert.ok(
        cgroups.some((line) => line.includes(`${cgroupParent}/`)),
        cgroups.join(),
      );
    },
  },
  {
    title: "is made with every handler that the runtime tells of",
    run: async (kubelet) => {
      const { runtimeHandlers } = await kubelet.runtime.status({});
      for (const { name } of runtimeHandlers) {
        const podSandboxId = await kubelet.pod({}, {}, name);
        const { status } = await kubelet.runtime.podSandboxStatus({ podSandboxId });
        assert.equal(status?.runtimeHandler, name);
        await kubelet.shell(await kubelet.start(podSandboxId), "true");
      }
      await refused(kubelet.pod({}, {}, "no-such-handler"), Code.InvalidArgument);
    },
  },
];
