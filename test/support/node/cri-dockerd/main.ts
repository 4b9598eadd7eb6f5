import { createServer } from "node:http2";
import { rm } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { DockerClient } from "#clients/docker/docker-client.ts";
import type { PodSandboxConfig } from "#gen/runtime/v1/sandboxes_pb.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { StreamingServer } from "#surfaces/cri/streaming/streaming-server.ts";
import { testCall } from "../../call.ts";
import { output } from "../kubelet/docker-runtime.ts";
import { DockerStreams } from "../kubelet/docker-streams.ts";
import {
  createDockerContainer,
  execInDocker,
  inspect,
  listKubernetesContainers,
  pull,
  removeDockerSandbox,
  runDockerSandbox,
  typeLabel,
  type SandboxSpec,
} from "../kubelet/docker-pods.ts";

// Stands in for cri-dockerd, which Debian does not package: CRI v1 over Docker with its labels, as far as the kubelet
// stand-in needs it. `main.ts CGROUP-PARENT --pod-infra-container-image=… …`
const [cgroupParent = "", ...words] = process.argv.slice(2);
if (words.includes("--version")) {
  console.log("cri-dockerd 0.3.16 (HEAD)");
  process.exit(0);
}
const flag = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.split("=")[1];
const options = { cgroupParent, pauseImage: flag("pod-infra-container-image") ?? "registry.k8s.io/pause:3.10" };
const client = new DockerClient({ endpoint: { type: "unix", path: "/var/run/docker.sock" } });
const streams = await StreamingServer.open(testCall(), new DockerStreams(client));
const socketPath = "/run/cri-dockerd.sock";

const logErrors: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    console.error(`${request.method.name}: ${String(error)}`);
    throw error;
  }
};

function routes(router: ConnectRouter): void {
  router.service(RuntimeService, {
    version: async () => {
      const { Version } = await client.json<{ Version: string }>({ path: "/version" });
      return { version: "0.1.0", runtimeName: "docker", runtimeVersion: Version, runtimeApiVersion: "v1" };
    },
    status: async () => {
      await client.text({ path: "/_ping" });
      return {
        status: {
          conditions: [
            { type: "RuntimeReady", status: true },
            { type: "NetworkReady", status: true },
          ],
        },
      };
    },
    runPodSandbox: async ({ config }) => {
      const { name = "", namespace = "", uid = "" } = config?.metadata ?? {};
      return { podSandboxId: await runDockerSandbox(client, { name, namespace, uid, ...spacesOf(config) }, options) };
    },
    stopPodSandbox: () => ({}),
    removePodSandbox: async ({ podSandboxId }) => {
      await removeDockerSandbox(client, podSandboxId);
      return {};
    },
    listPodSandbox: async () => {
      const all = await listKubernetesContainers(client);
      const sandboxes = all.filter(({ Labels }) => Labels[typeLabel] === "podsandbox");
      return {
        items: sandboxes.map(({ Id, State, Labels }) => ({
          id: Id,
          metadata: podOf(Labels),
          state: State === "running" ? 0 : 1,
        })),
      };
    },
    createContainer: async ({ podSandboxId, config, sandboxConfig }) => {
      const { name = "", namespace = "", uid = "" } = sandboxConfig?.metadata ?? {};
      const pod: SandboxSpec = { name, namespace, uid, ...spacesOf(sandboxConfig) };
      const { metadata, image, command = [], envs = [], linux } = config ?? {};
      const isPrivileged = linux?.securityContext?.privileged === true;
      const env = envs.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`);
      const container = { name: metadata?.name ?? "", image: image?.image ?? "", command, isPrivileged, env };
      return { containerId: await createDockerContainer(client, { sandboxId: podSandboxId, pod, container }, options) };
    },
    startContainer: async ({ containerId }) => {
      await client.text({ method: "POST", path: `/containers/${containerId}/start` });
      return {};
    },
    listContainers: async () => {
      const all = await listKubernetesContainers(client);
      const own = all.filter(({ Labels }) => Labels[typeLabel] === "container");
      return {
        containers: own.map(({ Id, State, Labels }) => ({
          id: Id,
          podSandboxId: Labels["io.kubernetes.sandbox.id"] ?? "",
          state: State === "running" ? 1 : 2,
        })),
      };
    },
    containerStatus: async ({ containerId }) => {
      const { LogPath, State } = await inspect(client, containerId);
      return { status: { id: containerId, logPath: LogPath, exitCode: State.ExitCode } };
    },
    exec: ({ containerId, cmd }) => ({ url: streams.getExec({ containerId, args: cmd, ...output }) }),
    portForward: ({ podSandboxId, port }) => ({ url: streams.getPortForward({ podSandboxId, ports: port }) }),
    execSync: async ({ containerId, cmd }) => ({ exitCode: await execInDocker(client, containerId, cmd) }),
  });
  router.service(ImageService, {
    imageStatus: async ({ image }) => {
      const found = await client
        .json<{ Id: string }>({ path: `/images/${image?.image ?? ""}/json` })
        .catch(() => undefined);
      return found === undefined ? {} : { image: { id: found.Id } };
    },
    pullImage: async ({ image, auth }) => {
      await pull(client, image?.image ?? "", { login: auth, anew: true });
      return { imageRef: (await client.json<{ Id: string }>({ path: `/images/${image?.image ?? ""}/json` })).Id };
    },
  });
}

// A kubelet that goes leaves broken streams behind; they are its own affair.
process.on("uncaughtException", (error) => console.error(String(error)));
const handle = connectNodeAdapter({ routes, interceptors: [logErrors] });
// v1alpha2 has the same messages; the version that it says it is answers both.
const server = createServer({}, (request, response) => {
  request.url = request.url?.replace(/^\/runtime\.v1alpha2\./, "/runtime.v1.");
  handle(request, response);
});
if (process.env["LISTEN_FDS"] === "1") server.listen({ fd: 3 });
else {
  await rm(socketPath, { force: true });
  server.listen(socketPath);
}
flushCompileCache();

/** NODE is 2. */
function spacesOf(config: PodSandboxConfig | undefined): { hostNetwork: boolean; hostPid: boolean } {
  const spaces = config?.linux?.securityContext?.namespaceOptions;
  return { hostNetwork: spaces?.network === 2, hostPid: spaces?.pid === 2 };
}

function podOf(labels: Readonly<Record<string, string>>) {
  const label = (name: string) => labels[`io.kubernetes.pod.${name}`] ?? "";
  return { name: label("name"), namespace: label("namespace"), uid: label("uid"), attempt: 0 };
}
