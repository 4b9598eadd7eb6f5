import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCriClient } from "#test/support/cri-client.ts";
import { findProcesses, startDaemon } from "#test/support/processes.ts";
import { pauseCommand } from "./pause-image.ts";
import { openPodNetwork } from "./pod-network.ts";
import type { PodPeer, PodPeerOptions } from "./pod-peer.ts";

/** containerd with its CRI plugin and runc; `binDirectory` is where another one than Debian's is, its shim beside it. */
export async function containerdPods(options: PodPeerOptions, binDirectory = "/usr/bin"): Promise<PodPeer> {
  const { name, directory, log } = options;
  await using undo = new AsyncDisposableStack();
  const { confDir } = undo.use(await openPodNetwork(options));
  const [config, socket] = [join(directory, "config.toml"), join(directory, "containerd.sock")];
  await writeFile(config, configText(options, socket, confDir));
  const client = openCriClient(socket);
  undo.defer(() => client.session.abort());
  const isUp = async () => (await client.runtime.version({})).runtimeName !== "";
  const env = { ...process.env, PATH: `${binDirectory}:${process.env["PATH"]}` };
  const argv = [join(binDirectory, "containerd"), "--config", config];
  const daemon = undo.use(await startDaemon(argv, isUp, { env, log }));
  const { runtimeVersion } = await client.runtime.version({});
  const held = undo.move();
  return {
    name,
    version: `${runtimeVersion} (runc)`,
    client,
    async processes() {
      const shims = (await findProcesses(socket)).filter((pid) => pid !== daemon.pid);
      return [daemon.pid, ...shims, ...(await Promise.all(shims.map(pausesOf))).flat()];
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function configText({ directory, pauseImage }: PodPeerOptions, socket: string, confDir: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${confDir}"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;
}

/** A shim's children are first processes of containers: the pod's pause among them. */
async function pausesOf(shim: number): Promise<number[]> {
  const text = await readFile(`/proc/${shim}/task/${shim}/children`, "utf8").catch(() => "");
  const children = [...text.matchAll(/[1-9]\d*/g)].map(([pid]) => Number(pid));
  const lines = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return children.filter((_, at) => lines[at]?.split("\0")[0] === pauseCommand);
}
