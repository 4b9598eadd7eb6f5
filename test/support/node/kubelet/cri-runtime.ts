import { mkdir, readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { PodSandboxConfigSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import { EngineError } from "#base/errors.ts";
import { openCriConnection, type CriConnection, type CriVersion } from "#clients/cri/cri-connection.ts";
import { KubeletError } from "./arguments.ts";
import {
  gpuVariable,
  PodFailure,
  type Login,
  type PodNeeds,
  type PodRuntime,
  type PodSpec,
  type RuntimePod,
} from "./pod-spec.ts";

/** Versions of CRI that the kubelet of 1.`minor` speaks. */
function versionsOf(minor: number): CriVersion[] {
  if (minor >= 26) return ["v1"];
  return minor >= 23 ? ["v1", "v1alpha2"] : ["v1alpha2"];
}

const call = { signal: new AbortController().signal };

/** A runtime behind a CRI socket. @throws KubeletError as a kubelet that cannot use it */
export async function openCriRuntime(minor: number, endpoint: string, cgroupParent: string): Promise<PodRuntime> {
  let cri: CriConnection;
  try {
    cri = await openCriConnection(call, endpoint.replace("unix://", ""), versionsOf(minor));
  } catch (error) {
    const unimplemented = error instanceof EngineError && error.kind === "notImplemented";
    const why = unimplemented ? `CRI v1 runtime API is not implemented for endpoint "${endpoint}"` : String(error);
    throw new KubeletError(
      `failed to run Kubelet: validate service connection: ${why}: rpc error: unknown service runtime.v1.RuntimeService`,
    );
  }
  return {
    version: async () => await Promise.resolve(`${cri.runtimeName}://${cri.runtimeVersion}`),
    list: async () => await listPods(cri),
    start: async (pod, needs) => await startPod(cri, pod, { cgroupParent, ...needs }),
    stop: async ({ sandboxId }) => {
      await cri.runtime.stopPodSandbox({ podSandboxId: sandboxId });
      await cri.runtime.removePodSandbox({ podSandboxId: sandboxId });
    },
    exitCode: async ({ containerId }) => (await cri.runtime.containerStatus({ containerId })).status?.exitCode ?? 0,
    exec: async ({ containerId }, cmd) =>
      (await cri.runtime.execSync({ containerId, cmd: [...cmd], timeout: 10n })).exitCode,
    log: async ({ containerId }) => {
      const { status } = await cri.runtime.containerStatus({ containerId });
      return fromCriLog(await readFile(status?.logPath ?? "", "utf8"));
    },
    execUrl: async ({ containerId }, cmd) =>
      (await cri.runtime.exec({ containerId, cmd: [...cmd], stdout: true, stderr: true })).url,
    portForwardUrl: async ({ sandboxId }, port) =>
      (await cri.runtime.portForward({ podSandboxId: sandboxId, port: [...port] })).url,
  };
}

async function listPods(cri: CriConnection): Promise<RuntimePod[]> {
  const { containers } = await cri.runtime.listContainers({});
  const { items } = await cri.runtime.listPodSandbox({});
  return items.map(({ id, metadata, state }) => {
    const container = containers.find(({ podSandboxId }) => podSandboxId === id);
    // SANDBOX_READY and CONTAINER_RUNNING.
    const isRunning = state === 0 && container?.state === 1;
    // CONTAINER_EXITED.
    const hasEnded = container?.state === 2;
    return { uid: metadata?.uid ?? "", sandboxId: id, containerId: container?.id ?? "", isRunning, hasEnded };
  });
}

type Place = PodNeeds & { readonly cgroupParent: string };

async function startPod(cri: CriConnection, pod: PodSpec, { cgroupParent, handler, login }: Place): Promise<void> {
  const logDirectory = `/var/log/pods/${pod.namespace}_${pod.name}_${pod.uid}`;
  await mkdir(`${logDirectory}/${pod.container}`, { recursive: true });
  const labels = {
    "io.kubernetes.pod.name": pod.name,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.uid": pod.uid,
  };
  // POD is 0, CONTAINER 1, NODE 2.
  const namespaceOptions = { network: pod.hostNetwork ? 2 : 0, pid: pod.hostPid ? 2 : 1, ipc: 0 } as const;
  const securityContext = { namespaceOptions, privileged: pod.isPrivileged };
  const config = create(PodSandboxConfigSchema, {
    metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid, attempt: 0 },
    hostname: pod.hostNetwork ? "" : pod.name,
    logDirectory,
    labels,
    linux: {
      cgroupParent,
      securityContext,
    },
  });
  const { podSandboxId } = await cri.runtime.runPodSandbox({ config, runtimeHandler: handler });
  const image = await PodFailure.of("ErrImagePull", resolveImage(cri, pod, login));
  const creating = cri.runtime.createContainer({
    podSandboxId,
    config: {
      metadata: { name: pod.container, attempt: 0 },
      image: { image },
      command: [...pod.command],
      envs: pod.hasGpu ? [{ key: gpuVariable.name, value: Buffer.from(gpuVariable.value) }] : [],
      labels: { ...labels, "io.kubernetes.container.name": pod.container },
      logPath: `${pod.container}/0.log`,
      linux: {
        resources: {},
        securityContext: {
          ...securityContext,
          ...(pod.user === undefined ? {} : { runAsUser: { value: BigInt(pod.user) } }),
        },
      },
    },
    sandboxConfig: config,
  });
  const { containerId } = await PodFailure.of("CreateContainerError", creating);
  await PodFailure.of("RunContainerError", cri.runtime.startContainer({ containerId }));
}

/** By the image's id, pulled when it is not there, or anew. */
async function resolveImage(cri: CriConnection, pod: PodSpec, login: Login | undefined): Promise<string> {
  const image = { image: pod.image };
  const { image: found } = pod.isPulledAnew ? {} : await cri.images.imageStatus({ image });
  return found?.id ?? (await cri.images.pullImage({ image, ...(login === undefined ? {} : { auth: login }) })).imageRef;
}

/** `TIME STREAM F line`; of cri-dockerd, Docker's own JSON lines. */
function fromCriLog(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      if (line.startsWith("{")) return (JSON.parse(line) as { log: string }).log;
      const match = /^\S+ (?:stdout|stderr) ([FP])\S* (.*)$/.exec(line);
      return match === null ? "" : `${match[2] ?? ""}${match[1] === "F" ? "\n" : ""}`;
    })
    .join("");
}
