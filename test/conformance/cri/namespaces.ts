import assert from "node:assert/strict";
import { readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { Code } from "@connectrpc/connect";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { refused, type Case, type Kubelet } from "./kubelet.ts";

const { NODE, POD, CONTAINER, TARGET } = NamespaceMode;
const ofHost = async (kind: string) => await readlink(`/proc/self/ns/${kind}`);
const ofContainer = async (kubelet: Kubelet, id: string, kind: string) =>
  await kubelet.shell(id, `busybox readlink /proc/self/ns/${kind}`);
const withPid = (pid: NamespaceMode, targetId = "") => ({
  linux: { securityContext: { namespaceOptions: { pid, targetId } } },
});

export const namespaces: readonly Case[] = [
  {
    title: "network: the host's, or one of the pod",
    run: async (kubelet) => {
      const host = await kubelet.start(await kubelet.pod());
      assert.equal(await ofContainer(kubelet, host, "net"), await ofHost("net"));
      assert.equal(await kubelet.shell(host, "hostname"), hostname());
      const pod = await kubelet.networkedPod();
      const [one, two] = [await kubelet.start(pod), await kubelet.start(pod)];
      const found = await ofContainer(kubelet, one, "net");
      assert.notEqual(found, await ofHost("net"));
      assert.equal(await ofContainer(kubelet, two, "net"), found);
    },
  },
  {
    title: "IPC: the host's, or one of the pod with its own /dev/shm",
    run: async (kubelet) => {
      const host = await kubelet.start(await kubelet.pod({}, { ipc: NODE }));
      assert.equal(await ofContainer(kubelet, host, "ipc"), await ofHost("ipc"));
      const pod = await kubelet.pod();
      const [one, two] = [await kubelet.start(pod), await kubelet.start(pod)];
      assert.equal(await ofContainer(kubelet, one, "ipc"), await ofContainer(kubelet, two, "ipc"));
      assert.notEqual(await ofContainer(kubelet, one, "ipc"), await ofHost("ipc"));
      await kubelet.shell(one, "echo shared > /dev/shm/x");
      assert.equal(await kubelet.shell(two, "cat /dev/shm/x"), "shared");
      assert.match(await kubelet.shell(two, "grep /dev/shm /proc/mounts"), /tmpfs/);
    },
  },
  {
    title: "PID: of the container, of the pod, of the host, of another container",
    run: async (kubelet) => {
      const own = await kubelet.start(await kubelet.pod());
      // Of a container that has just started it is the runtime's for a moment.
      const firstOf = async (id: string) => await kubelet.shell(id, "cat /proc/1/comm");
      await eventuallyEqual(async () => await firstOf(own), "sleep");
      const host = await kubelet.start(await kubelet.pod({}, { pid: NODE }), withPid(NODE));
      assert.equal(await ofContainer(kubelet, host, "pid"), await ofHost("pid"));

      const shared = await kubelet.pod({}, { pid: POD });
      const [one, two] = [await kubelet.start(shared, withPid(POD)), await kubelet.start(shared, withPid(POD))];
      assert.equal(await ofContainer(kubelet, one, "pid"), await ofContainer(kubelet, two, "pid"));
      assert.notEqual(await firstOf(one), "sleep");

      const pod = await kubelet.pod();
      const target = await kubelet.start(pod);
      const debug = await kubelet.start(pod, withPid(TARGET, target));
      assert.equal(await ofContainer(kubelet, debug, "pid"), await ofContainer(kubelet, target, "pid"));
      await eventuallyEqual(async () => await firstOf(debug), "sleep");
      await refused(kubelet.create(pod, withPid(TARGET, own)), Code.InvalidArgument);
      await refused(kubelet.create(pod, withPid(TARGET, "0".repeat(64))), Code.NotFound, Code.InvalidArgument);
    },
  },
  {
    title: "PID of a container of its own: it sees nothing of its neighbours",
    run: async (kubelet) => {
      const pod = await kubelet.pod();
      await kubelet.start(pod, { command: ["sleep", "4711"] });
      const two = await kubelet.start(pod, withPid(CONTAINER));
      assert.doesNotMatch(await kubelet.shell(two, "ps"), /4711/);
    },
  },
];
