import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCriClient } from "#test/support/cri-client.ts";
import { findProcesses, startDaemon } from "#test/support/processes.ts";
import { installPackage } from "../installed-package.ts";
import { openPodNetwork } from "./pod-network.ts";
import type { PodPeer, PodPeerOptions } from "./pod-peer.ts";

/** Ferry as this checkout is installed (or the package that `FERRY_BIN` names the bin directory of), with one OCI runtime. */
export async function ferryPods(options: PodPeerOptions, runtime: "crun" | "runc"): Promise<PodPeer> {
  const { name, directory, log } = options;
  await using undo = new AsyncDisposableStack();
  const { confDir } = undo.use(await openPodNetwork(options));
  const [config, state] = [join(directory, "config.toml"), join(directory, "state")];
  await mkdir(state, { recursive: true });
  await writeFile(
    config,
    `[daemon]
root = "${directory}/root"
state = "${state}"
[docker]
socket = ""
[cri]
cni_conf_dir = "${confDir}"
[runtime]
default = "${runtime}"
handlers = { ${runtime} = "${runtime}" }
`,
  );
  const bin = process.env["FERRY_BIN"] ?? (await installPackage(join(directory, "package")));
  const client = openCriClient(join(state, "ferry.sock"));
  undo.defer(() => client.session.abort());
  const isUp = async () => (await client.runtime.version({})).runtimeName !== "";
  const daemon = undo.use(await startDaemon([`${bin}/ferryd`, "--config", config], isUp, { log }));
  const { runtimeVersion } = await client.runtime.version({});
  const held = undo.move();
  return {
    name,
    version: `${runtimeVersion} (${runtime})`,
    client,
    processes: async () => [daemon.pid, ...(await findProcesses(`${state}/`)).filter((pid) => pid !== daemon.pid)],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
