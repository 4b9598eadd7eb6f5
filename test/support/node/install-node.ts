import { mkdir, rename, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { TestApiServer } from "../kubernetes/api-server.ts";
import { otherDockerd } from "../docker-engine.ts";
import { podNetwork } from "../pod-network.ts";
import { command } from "../processes.ts";
import type { TestImages } from "../test-images.ts";
import { gpuRuntime, gpuRuntimeScript } from "./gpu-runtime.ts";
import type { NodeLayout } from "./layouts.ts";
import { testPod } from "./test-pod.ts";
import { nodeCommand, type TestNode } from "./test-node.ts";

const standIn = (path: string) => new URL(path, import.meta.url).pathname;
const checkout = standIn("../../..");

export type NodeParts = {
  readonly machine: TestNode;
  readonly api: TestApiServer;
  readonly images: TestImages;
  readonly layout: NodeLayout;
  /** Path of a real one; the stand-in takes its place where there is none. */
  readonly criDockerd: string | undefined;
};

/** Writes what makes a machine a node of `layout`: its programs, units and configuration. */
export async function installNode(parts: NodeParts): Promise<void> {
  const { machine, images, layout, criDockerd } = parts;
  const pause = await pushPause(parts);
  const type = criDockerd === undefined ? "simple" : "notify";
  for (const [path, text] of Object.entries(layout.files))
    await machine.write(path, text.replaceAll("{pause}", pause).replaceAll("{cri-dockerd type}", type));
  if (layout.cniPlugins !== undefined) {
    await mkdir(machine.at(dirname(layout.cniPlugins)), { recursive: true });
    await rename(machine.at("opt/cni/bin"), machine.at(layout.cniPlugins));
  }
  const parent = `${machine.cgroupParent}/kubepods`;
  await machine.write("/usr/local/bin/kubelet", run(machine, "kubelet/main.ts", layout.version, parent), 0o755);
  if (criDockerd === undefined)
    await machine.write("/usr/local/bin/cri-dockerd", run(machine, "cri-dockerd/main.ts", parent), 0o755);
  else await symlink(criDockerd, machine.at("usr/local/bin/cri-dockerd"));
  await machine.write("/usr/local/bin/modprobe", "#!/bin/sh\nexit 0\n", 0o755);
  await machine.write("/etc/hostname", `${machine.name}\n`);
  await machine.write(`/usr/local/bin/${gpuRuntime}`, gpuRuntimeScript, 0o755);
  const daemon = {
    "insecure-registries": [images.host, ...(layout.insecure ?? [])],
    "cgroup-parent": machine.cgroupParent,
    bridge: "none",
    runtimes: { nvidia: { path: gpuRuntime } },
    "default-runtime": "nvidia",
    // What that one is there for: Debian 12's cannot.
    ...(otherDockerd === undefined ? {} : { features: { "containerd-snapshotter": true } }),
  };
  await machine.write("/etc/docker/daemon.json", `${JSON.stringify(daemon, undefined, 2)}\n`);
  const network = podNetwork({ bridge: "cni0", subnet: "10.88.0.0/16", dataDir: "/var/lib/cni/networks" });
  await machine.write("/etc/cni/net.d/10-pods.conflist", JSON.stringify(network));
  await machine.write("/etc/systemd/system/ferryd.service", ferrydUnit(machine.compileCache));
  const pod = testPod({ name: "static", owner: "static", image: images.small });
  await machine.write("/etc/kubernetes/manifests/static.json", JSON.stringify(pod));
  await writeKubeconfig(parts, "/etc/kubernetes/kubelet.conf");
}

/** A program of the node's that is a stand-in's first file. */
function run({ compileCache }: TestNode, file: string, ...words: readonly string[]): string {
  const argv = [...nodeCommand, standIn(file), ...words].join(" ");
  return `#!/bin/sh\nexport NODE_COMPILE_CACHE=${compileCache}\nexec ${argv} "$@"\n`;
}

async function pushPause({ machine, images }: NodeParts): Promise<string> {
  const layout = machine.at("pause-layout");
  const image = `${layout}:pause`;
  await command(["skopeo", "copy", "-q", "--src-tls-verify=false", `docker://${images.small}`, `oci:${image}`]);
  const config = ["--config.entrypoint", "sleep", "--config.cmd", "1000000"];
  await command(["umoci", "config", "--image", image, ...config]);
  return await images.push(`oci:${image}`, "pause:3.9");
}

/** With a token of the API server's accounts, or that of whoever may all. */
export async function writeKubeconfig(
  { machine, api }: Pick<NodeParts, "machine" | "api">,
  path: string,
  token?: string,
): Promise<void> {
  await api.writeKubeconfig(machine.at("kubeconfig"), token);
  const text = await machine.read("kubeconfig");
  // Certificates of tests are for localhost.
  const server = JSON.stringify(api.url);
  const named = text.replace(`"server":${server}`, `"server":${server},"tls-server-name":"localhost"`);
  await machine.write(path, named, 0o600);
}

const ferrydUnit = (compileCache: string) => `[Unit]
Description=Ferry container runtime
Before=kubelet.service

[Service]
Type=notify
Environment=NODE_COMPILE_CACHE=${compileCache}
ExecStart=${checkout}bin/ferryd
KillMode=process
Delegate=yes
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`;
