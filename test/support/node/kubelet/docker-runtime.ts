import { DockerClient } from "#clients/docker/docker-client.ts";
import { splitFrames } from "./docker-frames.ts";
import { KubeletError } from "./arguments.ts";
import { addToNetwork, deleteFromNetwork } from "./dockershim-network.ts";
import type { PodRuntime, PodSpec, RuntimePod } from "./pod-spec.ts";

type Listed = { Id: string; State: string; Labels: Record<string, string> };
type Inspected = { State: { Pid: number }; HostConfig: { NetworkMode: string } };

const pauseImage = "registry.k8s.io/pause:3.9";
const typeLabel = "io.kubernetes.docker.type";

/** Docker, as dockershim used it: names, labels and a network by CNI. @throws KubeletError without Docker */
export async function openDockerRuntime(socket: string, cgroupParent: string): Promise<PodRuntime> {
  const client = new DockerClient({ endpoint: { type: "unix", path: socket } });
  const version = async () => (await client.json<{ Version: string }>({ path: "/version" })).Version;
  await version().catch(() => {
    throw new KubeletError(
      `failed to run Kubelet: failed to get docker version: Cannot connect to the Docker daemon at unix://${socket}. Is the docker daemon running?`,
    );
  });
  return {
    version: async () => `docker://${await version()}`,
    list: async () => await listPods(client),
    start: async (pod) => await startPod(client, pod, cgroupParent),
    stop: async (pod) => await stopPod(client, pod),
    exec: async ({ containerId }, command) => {
      const path = `/containers/${containerId}/exec`;
      const { Id } = await client.json<{ Id: string }>({ method: "POST", path, json: { Cmd: command } });
      await client.text({ method: "POST", path: `/exec/${Id}/start`, json: { Detach: false } });
      return (await client.json<{ ExitCode: number }>({ path: `/exec/${Id}/json` })).ExitCode;
    },
    log: async ({ containerId }) => {
      await using answer = await client.open({ path: `/containers/${containerId}/logs`, query: { stdout: true } });
      return await splitFrames(answer.body);
    },
  };
}

async function listPods(client: DockerClient): Promise<RuntimePod[]> {
  const filters = JSON.stringify({ label: [typeLabel] });
  const all = await client.json<Listed[]>({ path: "/containers/json", query: { all: true, filters } });
  const sandboxes = all.filter(({ Labels }) => Labels[typeLabel] === "podsandbox");
  return sandboxes.map((sandbox) => {
    const container = all.find(({ Labels }) => Labels["io.kubernetes.sandbox.id"] === sandbox.Id);
    const isRunning = sandbox.State === "running" && container?.State === "running";
    return {
      uid: sandbox.Labels["io.kubernetes.pod.uid"] ?? "",
      sandboxId: sandbox.Id,
      containerId: container?.Id ?? "",
      isRunning,
    };
  });
}

async function startPod(client: DockerClient, pod: PodSpec, cgroupParent: string): Promise<void> {
  const labels = {
    "io.kubernetes.pod.name": pod.name,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.uid": pod.uid,
  };
  const network = pod.hostNetwork ? "host" : "none";
  const sandbox = await createContainer(client, containerName("POD", pod), {
    Image: pauseImage,
    Cmd: ["sleep", "1000000"],
    Labels: { ...labels, "io.kubernetes.container.name": "POD", [typeLabel]: "podsandbox" },
    HostConfig: { NetworkMode: network, CgroupParent: cgroupParent },
  });
  if (!pod.hostNetwork) await addToNetwork(sandbox, await pidOf(client, sandbox), pod);
  await createContainer(client, containerName(pod.container, pod), {
    Image: pod.image,
    Cmd: pod.command,
    Labels: {
      ...labels,
      "io.kubernetes.container.name": pod.container,
      "io.kubernetes.sandbox.id": sandbox,
      [typeLabel]: "container",
    },
    HostConfig: { NetworkMode: `container:${sandbox}`, IpcMode: `container:${sandbox}`, CgroupParent: cgroupParent },
  });
}

async function stopPod(client: DockerClient, { sandboxId, containerId }: RuntimePod): Promise<void> {
  if (containerId !== "") await remove(client, containerId);
  const { State, HostConfig } = await client.json<Inspected>({ path: `/containers/${sandboxId}/json` });
  if (HostConfig.NetworkMode !== "host") await deleteFromNetwork(sandboxId, State.Pid);
  await remove(client, sandboxId);
}

async function remove(client: DockerClient, id: string): Promise<void> {
  await client.text({ method: "DELETE", path: `/containers/${id}`, query: { force: true, v: true } });
}

async function createContainer(client: DockerClient, name: string, json: unknown): Promise<string> {
  const { Id } = await client.json<{ Id: string }>({
    method: "POST",
    path: "/containers/create",
    query: { name },
    json,
  });
  await client.text({ method: "POST", path: `/containers/${Id}/start` });
  return Id;
}

async function pidOf(client: DockerClient, id: string): Promise<number> {
  return (await client.json<Inspected>({ path: `/containers/${id}/json` })).State.Pid;
}

function containerName(container: string, { name, namespace, uid }: PodSpec): string {
  return `k8s_${container}_${name}_${namespace}_${uid}_0`;
}
