import type { DockerClient } from "#clients/docker/docker-client.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import type { Login } from "./pod-spec.ts";
import { addToNetwork, deleteFromNetwork } from "./dockershim-network.ts";

export const typeLabel = "io.kubernetes.docker.type";

export type DockerPodOptions = { readonly cgroupParent: string; readonly pauseImage: string };

export type SandboxSpec = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
};

export type ContainerSpec = {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly user?: number | undefined;
  readonly isPrivileged: boolean;
  /** `NAME=value` */
  readonly env: readonly string[];
};

export type DockerContainer = {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
};

/** What is asked for a sandbox is done one after the other: one that is on its way out gets no network and no container. */
const turns = new KeyedLock();

type Inspected = { State: { Pid: number; ExitCode: number }; HostConfig: { NetworkMode: string }; LogPath: string };

/** Containers with dockershim's labels, sandboxes among them. */
export async function listKubernetesContainers(client: DockerClient): Promise<DockerContainer[]> {
  const filters = JSON.stringify({ label: [typeLabel] });
  return await client.json<DockerContainer[]>({ path: "/containers/json", query: { all: true, filters } });
}

/** Makes and starts a sandbox as dockershim and cri-dockerd do, with its network. Answers its id. */
export async function runDockerSandbox(
  client: DockerClient,
  pod: SandboxSpec,
  options: DockerPodOptions,
): Promise<string> {
  await pull(client, options.pauseImage);
  const sandbox = await createContainer(client, containerName("POD", pod), {
    Image: options.pauseImage,
    Labels: { ...podLabels(pod), "io.kubernetes.container.name": "POD", [typeLabel]: "podsandbox" },
    HostConfig: {
      NetworkMode: pod.hostNetwork ? "host" : "none",
      IpcMode: "shareable",
      CgroupParent: options.cgroupParent,
    },
  });
  await client.text({ method: "POST", path: `/containers/${sandbox}/start` });
  if (!pod.hostNetwork) {
    using _turn = await turns.acquire(sandbox);
    await addToNetwork(sandbox, (await inspect(client, sandbox)).State.Pid, pod);
  }
  return sandbox;
}

/** Makes a container of a pod's; it does not run yet. */
export async function createDockerContainer(
  client: DockerClient,
  { sandboxId, pod, container }: { sandboxId: string; pod: SandboxSpec; container: ContainerSpec },
  { cgroupParent }: DockerPodOptions,
): Promise<string> {
  using _turn = await turns.acquire(sandboxId);
  await inspect(client, sandboxId);
  const shared = `container:${sandboxId}`;
  return await createContainer(client, containerName(container.name, pod), {
    Image: container.image,
    Cmd: container.command,
    Env: container.env,
    ...(container.user === undefined ? {} : { User: String(container.user) }),
    Labels: {
      ...podLabels(pod),
      "io.kubernetes.container.name": container.name,
      "io.kubernetes.sandbox.id": sandboxId,
      [typeLabel]: "container",
    },
    HostConfig: {
      NetworkMode: shared,
      IpcMode: shared,
      PidMode: pod.hostPid ? "host" : "",
      Privileged: container.isPrivileged,
      CgroupParent: cgroupParent,
    },
  });
}

/** Removes a pod's containers, then its network, then its sandbox. */
export async function removeDockerSandbox(client: DockerClient, sandboxId: string): Promise<void> {
  using _turn = await turns.acquire(sandboxId);
  for (const { Id, Labels } of await listKubernetesContainers(client)) {
    if (Labels["io.kubernetes.sandbox.id"] === sandboxId) await remove(client, Id);
  }
  const { State, HostConfig } = await inspect(client, sandboxId);
  if (HostConfig.NetworkMode !== "host") await deleteFromNetwork(sandboxId, State.Pid);
  await remove(client, sandboxId);
}

export async function inspect(client: DockerClient, id: string): Promise<Inspected> {
  return await client.json<Inspected>({ path: `/containers/${id}/json` });
}

/** Exit code. */
export async function execInDocker(client: DockerClient, id: string, command: readonly string[]): Promise<number> {
  const create = {
    method: "POST",
    path: `/containers/${id}/exec`,
    json: { Cmd: command, AttachStdout: true },
  } as const;
  const { Id } = await client.json<{ Id: string }>(create);
  await client.text({ method: "POST", path: `/exec/${Id}/start`, json: { Detach: false } });
  return (await client.json<{ ExitCode: number }>({ path: `/exec/${Id}/json` })).ExitCode;
}

/** Where it is not there, or anew. @throws Error with what Docker says of it */
export async function pull(
  client: DockerClient,
  image: string,
  { login, anew = false }: { readonly login?: Login | undefined; readonly anew?: boolean } = {},
): Promise<void> {
  const find = async () =>
    await client.text({ path: `/images/${image}/json` }).then(
      () => true,
      () => false,
    );
  if (!anew && (await find())) return;
  const auth = Buffer.from(JSON.stringify(login ?? {})).toString("base64url");
  const headers = { "X-Registry-Auth": auth };
  const answer = await client.text({ method: "POST", path: "/images/create", query: { fromImage: image }, headers });
  // A pull that fails half way is told at the end of an answer that began well.
  if (answer.includes('"errorDetail"')) throw new Error(answer.trim().split("\n").at(-1));
}

async function createContainer(client: DockerClient, name: string, json: unknown): Promise<string> {
  const request = { method: "POST", path: "/containers/create", query: { name }, json } as const;
  return (await client.json<{ Id: string }>(request)).Id;
}

async function remove(client: DockerClient, id: string): Promise<void> {
  await client.text({ method: "DELETE", path: `/containers/${id}`, query: { force: true, v: true } });
}

function podLabels({ name, namespace, uid }: SandboxSpec): Record<string, string> {
  return { "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace, "io.kubernetes.pod.uid": uid };
}

function containerName(container: string, { name, namespace, uid }: SandboxSpec): string {
  return `k8s_${container}_${name}_${namespace}_${uid}_0`;
}
