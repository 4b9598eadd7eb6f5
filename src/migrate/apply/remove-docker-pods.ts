import { DockerApiError } from "#clients/docker/api-error.ts";
import { DockerClient } from "#clients/docker/docker-client.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "../call.ts";
import type { StepAction } from "../plan/step.ts";
import { removeFromNetwork, type NetworkedPod } from "./cni-teardown.ts";
import { socketOf } from "./socket-of.ts";
import type { StepContext } from "./step-run.ts";

/** As dockershim and cri-dockerd label what they make. Source: Mirantis/cri-dockerd core/docker_service.go */
const typeLabel = "io.kubernetes.docker.type";
const stopSeconds = 10;

type PodContainer = {
  readonly id: string;
  readonly isSandbox: boolean;
  readonly labels: Readonly<Record<string, string>>;
};

/**
 * Stops and removes the containers that dockershim or cri-dockerd made, a pod's own before its sandbox; of each sandbox
 * the network is taken down by the CNI plugins, as the kubelet that made it would.
 *
 * @throws unavailable when Docker does not answer
 */
export async function removeDockerPods(
  call: Call,
  context: StepContext,
  { endpoint, cni }: StepAction & { kind: "remove-pods"; through: "docker" },
): Promise<void> {
  const client = await openDocker(context, endpoint);
  const all = await listPodContainers(call, client);
  await Promise.all(
    all.filter(({ isSandbox }) => !isSandbox).map(async ({ id }) => await stopAndRemove(call, client, id)),
  );
  for (const sandbox of all.filter(({ isSandbox }) => isSandbox)) {
    context.tell(`removing pod ${podLabel(sandbox, "namespace")}/${podLabel(sandbox, "name")}`);
    const pod = await findNetworked(call, client, sandbox);
    if (pod !== undefined) await removeFromNetwork(call, context, { pod, cni });
    await remove(call, client, sandbox.id);
  }
}

export async function countDockerPods(call: Call, context: StepContext, endpoint: string): Promise<number> {
  return (await listPodContainers(call, await openDocker(context, endpoint))).length;
}

async function openDocker({ files }: StepContext, endpoint: string): Promise<DockerClient> {
  return new DockerClient({ endpoint: { type: "unix", path: await socketOf(files, endpoint) } });
}

async function listPodContainers(call: Call, client: DockerClient): Promise<PodContainer[]> {
  const filters = JSON.stringify({ label: [typeLabel] });
  const answer = await client.json<unknown>({ path: "/containers/json", query: { all: true, filters }, ...call });
  return new JsonReader(answer, "docker: containers").list(100_000).map((one) => {
    const labels = one.at("Labels").stringMap();
    return { id: one.at("Id").string(), isSandbox: labels[typeLabel] === "podsandbox", labels };
  });
}

/** Undefined without a network of its own. */
async function findNetworked(
  call: Call,
  client: DockerClient,
  sandbox: PodContainer,
): Promise<NetworkedPod | undefined> {
  const answer = await ignoringGone(client.json<unknown>({ path: `/containers/${sandbox.id}/json`, ...call }));
  // A kubelet that was stopped a moment ago had it removed, after its network.
  if (answer === undefined) return undefined;
  const inspected = new JsonReader(answer, `container ${sandbox.id}`);
  if (inspected.at("HostConfig").at("NetworkMode").optionalString() === "host") return undefined;
  const pid = inspected.at("State").at("Pid").optionalNumber() ?? 0;
  return {
    containerId: sandbox.id,
    // Without a process the plugins still give back addresses and rules; the network itself went with it.
    linuxNamespace: pid === 0 ? "" : `/proc/${pid}/ns/net`,
    podNamespace: podLabel(sandbox, "namespace"),
    podName: podLabel(sandbox, "name"),
  };
}

function podLabel({ labels }: PodContainer, name: "namespace" | "name"): string {
  return labels[`io.kubernetes.pod.${name}`] ?? "";
}

async function stopAndRemove(call: Call, client: DockerClient, id: string): Promise<void> {
  await ignoringGone(
    client.text({ method: "POST", path: `/containers/${id}/stop`, query: { t: stopSeconds }, ...call }),
  );
  await remove(call, client, id);
}

async function remove(call: Call, client: DockerClient, id: string): Promise<void> {
  const query = { force: true, v: true };
  try {
    await ignoringGone(client.text({ method: "DELETE", path: `/containers/${id}`, query, ...call }));
  } catch (error) {
    // dockerd is at it already, for the kubelet that was stopped a moment ago: the next round sees whether it went.
    if (!(error instanceof DockerApiError) || error.status !== 409) throw error;
  }
}

/** A container that is gone already, or stopped already (304), is what was wanted. */
async function ignoringGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof DockerApiError) || (error.status !== 404 && error.status !== 304)) throw error;
    return undefined;
  }
}
