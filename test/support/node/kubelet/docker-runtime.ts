import { DockerClient } from "#clients/docker/docker-client.ts";
import { StreamingServer } from "#surfaces/cri/streaming/streaming-server.ts";
import { testCall } from "../../call.ts";
import { KubeletError } from "./arguments.ts";
import { splitFrames } from "./docker-frames.ts";
import {
  createDockerContainer,
  execInDocker,
  inspect,
  listKubernetesContainers,
  pull,
  removeDockerSandbox,
  runDockerSandbox,
  typeLabel,
  type DockerPodOptions,
} from "./docker-pods.ts";
import { DockerStreams } from "./docker-streams.ts";
import { gpuVariable, PodFailure, type PodRuntime, type RuntimePod } from "./pod-spec.ts";

/** What is wanted of a command that nobody speaks to. */
export const output = { stdin: false, stdout: true, stderr: true, tty: false };

/** Docker, as dockershim used it: names, labels and a network by CNI. @throws KubeletError without Docker */
export async function openDockerRuntime(socket: string, options: DockerPodOptions): Promise<PodRuntime> {
  const client = new DockerClient({ endpoint: { type: "unix", path: socket } });
  const version = async () => (await client.json<{ Version: string }>({ path: "/version" })).Version;
  await version().catch(() => {
    const why = `Cannot connect to the Docker daemon at unix://${socket}. Is the docker daemon running?`;
    throw new KubeletError(`failed to run Kubelet: failed to get docker version: ${why}`);
  });
  const streams = await StreamingServer.open(testCall(), new DockerStreams(client));
  return {
    version: async () => `docker://${await version()}`,
    list: async () => await listPods(client),
    start: async (pod, { handler, login }) => {
      // As dockershim, which knows no other handlers.
      if (handler !== "") throw new Error(`RuntimeHandler "${handler}" not supported`);
      await PodFailure.of("ErrImagePull", pull(client, pod.image, { login, anew: pod.isPulledAnew }));
      const sandboxId = await runDockerSandbox(client, pod, options);
      const { image, command, user, isPrivileged, hasGpu } = pod;
      const env = hasGpu ? [`${gpuVariable.name}=${gpuVariable.value}`] : [];
      const container = { name: pod.container, image, command, user, isPrivileged, env };
      const id = await createDockerContainer(client, { sandboxId, pod, container }, options);
      const start = client.text({ method: "POST", path: `/containers/${id}/start` });
      await PodFailure.of("RunContainerError", start);
    },
    stop: async ({ sandboxId }) => await removeDockerSandbox(client, sandboxId),
    exitCode: async ({ containerId }) => (await inspect(client, containerId)).State.ExitCode,
    exec: async ({ containerId }, command) => await execInDocker(client, containerId, command),
    log: async ({ containerId }) => {
      await using answer = await client.open({ path: `/containers/${containerId}/logs`, query: { stdout: true } });
      return await splitFrames(answer.body);
    },
    execUrl: async ({ containerId }, args) => await Promise.resolve(streams.getExec({ containerId, args, ...output })),
    portForwardUrl: async ({ sandboxId }, ports) =>
      await Promise.resolve(streams.getPortForward({ podSandboxId: sandboxId, ports })),
  };
}

async function listPods(client: DockerClient): Promise<RuntimePod[]> {
  const all = await listKubernetesContainers(client);
  const sandboxes = all.filter(({ Labels }) => Labels[typeLabel] === "podsandbox");
  return sandboxes.map((sandbox) => {
    const container = all.find(({ Labels }) => Labels["io.kubernetes.sandbox.id"] === sandbox.Id);
    const isRunning = sandbox.State === "running" && container?.State === "running";
    const uid = sandbox.Labels["io.kubernetes.pod.uid"] ?? "";
    const hasEnded = container?.State === "exited";
    return { uid, sandboxId: sandbox.Id, containerId: container?.Id ?? "", isRunning, hasEnded };
  });
}
