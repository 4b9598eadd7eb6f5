import assert from "node:assert/strict";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { PodSandboxState } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { CriClient } from "#test/support/cri-client.ts";
import type { KillPoint } from "./kill-point.ts";

/** What a kubelet has got so far of its one pod. */
export type Pod = {
  readonly client: CriClient;
  /** What its container is made of. */
  image: string;
  /** Of an image that is not there before {@link podOperations.pullImage}. */
  readonly absentImage: string;
  podSandboxId: string;
  containerId: string;
};

/** The calls of a pod's life in their order; each may be repeated, as a kubelet does after a failure. */
export const podOperations = {
  pullImage: async (pod: Pod) => {
    const { images } = pod.client;
    const image = { image: pod.absentImage };
    if ((await images.imageStatus({ image })).image === undefined) await images.pullImage({ image });
    const { image: found } = await images.imageStatus({ image });
    assert.match(found?.id ?? "", /^sha256:/);
    assert.deepEqual(found?.repoTags, [pod.absentImage]);
    pod.image = pod.absentImage;
  },
  runPodSandbox: async (pod: Pod) => {
    const { items } = await pod.client.runtime.listPodSandbox({});
    const ready = items.find(({ state }) => state === PodSandboxState.SANDBOX_READY);
    assert.ok(items.length <= 1);
    pod.podSandboxId = ready?.id ?? (await pod.client.runtime.runPodSandbox({ config })).podSandboxId;
    const { status } = await pod.client.runtime.podSandboxStatus({ podSandboxId: pod.podSandboxId });
    assert.match(status?.network?.ip ?? "", /^10\.230\./);
  },
  createContainer: async (pod: Pod) => {
    const { podSandboxId, image } = pod;
    const { containers } = await pod.client.runtime.listContainers({});
    assert.ok(containers.length <= 1);
    const container = { metadata: { name: "main" }, image: { image }, command: ["sleep", "1000"] };
    const request = { podSandboxId, config: container };
    pod.containerId = containers[0]?.id ?? (await pod.client.runtime.createContainer(request)).containerId;
  },
  startContainer: async (pod: Pod) => {
    const { containerId } = pod;
    if ((await stateOf(pod)) === ContainerState.CONTAINER_CREATED)
      await pod.client.runtime.startContainer({ containerId });
    assert.equal(await stateOf(pod), ContainerState.CONTAINER_RUNNING);
    const { stdout } = await pod.client.runtime.execSync({ containerId, cmd: ["ls", "/sys/class/net"] });
    assert.equal(Buffer.from(stdout).toString(), "eth0\nlo\n");
  },
  stopContainer: async (pod: Pod) => {
    await pod.client.runtime.stopContainer({ containerId: pod.containerId, timeout: 0n });
    assert.equal(await stateOf(pod), ContainerState.CONTAINER_EXITED);
  },
  stopPodSandbox: async (pod: Pod) => {
    const { podSandboxId } = pod;
    await pod.client.runtime.stopPodSandbox({ podSandboxId });
    const { status } = await pod.client.runtime.podSandboxStatus({ podSandboxId });
    assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY);
  },
  removePodSandbox: async (pod: Pod) => {
    await pod.client.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
    const [{ items }, { containers }] = await Promise.all([
      pod.client.runtime.listPodSandbox({}),
      pod.client.runtime.listContainers({}),
    ]);
    assert.deepEqual([items, containers], [[], []]);
  },
  removeImage: async (pod: Pod) => {
    const image = { image: pod.absentImage };
    await pod.client.images.removeImage({ image });
    assert.equal((await pod.client.images.imageStatus({ image })).image, undefined);
  },
} as const;

const config = {
  metadata: { name: "subject", uid: "1", namespace: "default", attempt: 0 },
  hostname: "subject",
};

async function stateOf({ client, containerId }: Pod): Promise<ContainerState | undefined> {
  return (await client.runtime.containerStatus({ containerId })).status?.state;
}

/** Every place a crash is tried at, by the call that is under way. */
export const podKillPoints: readonly (KillPoint & { readonly during: keyof typeof podOperations })[] = [
  { during: "pullImage", at: "leases.create", when: "after" },
  { during: "pullImage", at: "content.openWriter", when: "after" },
  { during: "pullImage", at: "content.openWriter>write", when: "after" },
  { during: "pullImage", at: "content.openWriter>commit", when: "before" },
  { during: "pullImage", at: "content.openWriter>commit", when: "after", nth: 3 },
  { during: "pullImage", at: "snapshotters.prepare", when: "after" },
  { during: "pullImage", at: "layers.apply", when: "after" },
  { during: "pullImage", at: "snapshotters.commit", when: "after" },
  { during: "pullImage", at: "images.put", when: "before" },
  { during: "pullImage", at: "images.put", when: "after" },
  { during: "pullImage", at: "leases.delete", when: "before" },
  { during: "runPodSandbox", at: "sandboxes.create", when: "before" },
  { during: "runPodSandbox", at: "sandboxes.create", when: "after" },
  { during: "runPodSandbox", at: "podNamespaces.create", when: "before" },
  { during: "runPodSandbox", at: "podNamespaces.create", when: "after" },
  { during: "runPodSandbox", at: "podNetwork.attach", when: "before" },
  { during: "runPodSandbox", at: "podNetwork.attach", when: "after" },
  { during: "runPodSandbox", at: "mounter.mount", when: "after" },
  { during: "runPodSandbox", at: "runtime.create", when: "after" },
  { during: "runPodSandbox", at: "runtime.create>start", when: "after" },
  { during: "runPodSandbox", at: "sandboxes.update", when: "before" },
  { during: "runPodSandbox", at: "sandboxes.update", when: "after" },
  { during: "createContainer", at: "containers.create", when: "before" },
  { during: "createContainer", at: "containers.create", when: "after" },
  { during: "createContainer", at: "snapshotters.prepare", when: "after" },
  { during: "createContainer", at: "containers.update", when: "after" },
  { during: "startContainer", at: "mounter.mount", when: "after" },
  { during: "startContainer", at: "runtime.create", when: "after" },
  { during: "startContainer", at: "runtime.create>start", when: "before" },
  { during: "startContainer", at: "runtime.create>start", when: "after" },
  { during: "startContainer", at: "containers.update", when: "after" },
  { during: "stopContainer", at: "runtime.find>kill", when: "after" },
  { during: "stopContainer", at: "mounter.unmount", when: "after" },
  { during: "stopPodSandbox", at: "runtime.find>delete", when: "after" },
  { during: "stopPodSandbox", at: "podNetwork.detach", when: "before" },
  { during: "stopPodSandbox", at: "podNetwork.detach", when: "after" },
  { during: "stopPodSandbox", at: "podNamespaces.delete", when: "after" },
  { during: "stopPodSandbox", at: "sandboxes.update", when: "after" },
  { during: "removePodSandbox", at: "sandboxes.update", when: "after" },
  { during: "removePodSandbox", at: "snapshotters.remove", when: "before" },
  { during: "removePodSandbox", at: "snapshotters.remove", when: "after" },
  { during: "removePodSandbox", at: "containers.delete", when: "before" },
  { during: "removePodSandbox", at: "containers.delete", when: "after" },
  { during: "removePodSandbox", at: "sandboxes.delete", when: "before" },
  { during: "removePodSandbox", at: "sandboxes.delete", when: "after" },
];
