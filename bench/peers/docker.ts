import { dockerApi } from "#test/support/docker-api.ts";
import { command, findProcesses, startDaemon } from "#test/support/processes.ts";
import type { Peer } from "./peer.ts";

/** Debian's Docker Engine with a bridge and directories of its own. */
export async function dockerPeer(directory: string, log: number): Promise<Peer> {
  const dockerSocket = `${directory}/docker.sock`;
  const options = [`--data-root=${directory}/data`, `--exec-root=${directory}/exec`, `--pidfile=${directory}/pid`];
  const bridge = await openBridge();
  const argv = ["dockerd", `--host=unix://${dockerSocket}`, "--storage-driver=overlay2", ...bridge.options, ...options];
  const daemon = await startDaemon(argv, async () => await isUp(dockerSocket), { log });
  const docker = (...args: string[]) => ["docker", "-H", `unix://${dockerSocket}`, ...args];
  return {
    name: "docker",
    version: (await command(docker("version", "--format", "{{.Server.Version}}"))).trim(),
    dockerSocket,
    commands: {
      pull: (image) => docker("pull", "-q", image),
      forget: (image) => [docker("rmi", "-f", image), docker("system", "prune", "-f")],
      runTrue: (image, name) => docker("run", "--rm", "--name", name, image, "true"),
      startSleeping: (image, name) => docker("run", "-d", "--name", name, image, "sleep", "1000"),
      exec: (name) => docker("exec", name, "true"),
      list: () => docker("ps", "-a"),
      remove: (name) => [docker("rm", "-f", name)],
    },
    processes: async () => [
      daemon.pid,
      ...(await findProcesses(`${directory}/exec`)).filter((pid) => pid !== daemon.pid),
    ],
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await bridge[Symbol.asyncDispose]();
    },
  };
}

/** So that a Docker Engine that comes or goes meanwhile does not take this one's `docker0`. */
async function openBridge(): Promise<AsyncDisposable & { options: string[] }> {
  const name = `fbench${process.pid % 1_000_000}`;
  const ip = async (...args: string[]) => void (await command(["ip", ...args]));
  await ip("link", "add", name, "type", "bridge");
  await ip("address", "add", "10.213.77.1/24", "dev", name);
  await ip("link", "set", name, "up");
  return { options: [`--bridge=${name}`], [Symbol.asyncDispose]: () => ip("link", "delete", name) };
}

async function isUp(socket: string): Promise<boolean> {
  using api = dockerApi(socket);
  return (await api.call("GET", "/_ping")) === "OK";
}
