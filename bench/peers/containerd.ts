import { writeFile } from "node:fs/promises";
import { command, findProcesses, startDaemon } from "#test/support/processes.ts";
import type { Peer } from "./peer.ts";

/** Debian's containerd without its CRI plugin, spoken to by `ctr`; its containers have no network but their own loopback. */
export async function containerdPeer(directory: string, log: number): Promise<Peer> {
  const socket = `${directory}/containerd.sock`;
  await writeFile(
    `${directory}/config.toml`,
    `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
`,
  );
  const ctr = (...args: string[]) => ["ctr", "-a", socket, ...args];
  const argv = ["containerd", "--config", `${directory}/config.toml`];
  const daemon = await startDaemon(argv, async () => (await command(ctr("version"))) !== "", { log });
  return {
    name: "containerd",
    version: /Server:\s+Version:\s+(\S+)/.exec(await command(ctr("version")))?.[1] ?? "",
    commands: {
      pull: (image) => ctr("images", "pull", "--plain-http", image),
      forget: (image) => [ctr("images", "rm", "--sync", image)],
      runTrue: (image, name) => ctr("run", "--rm", image, name, "true"),
      startSleeping: (image, name) => ctr("run", "-d", image, name, "sleep", "1000"),
      exec: (name) => ctr("task", "exec", "--exec-id", `x${Math.random()}`.replace(".", ""), name, "true"),
      list: () => ctr("containers", "ls"),
      remove: (name) => [ctr("task", "rm", "-f", name), ctr("container", "rm", name)],
    },
    processes: async () => [daemon.pid, ...(await findProcesses(socket)).filter((pid) => pid !== daemon.pid)],
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}
