import { dockerApi } from "#test/support/docker-api.ts";
import { command, findProcesses, startDaemon } from "#test/support/processes.ts";
import type { Peer } from "./peer.ts";

/** Debian's Docker Engine with a bridge and directories of its own. */
export async function dockerPeer(directory: string, log: number): Promise<Peer> {
  const dockerSocket = `${directory}/docker.sock`;
  const options = [`--data-root=${directory}/data`, `--exec-root=${directory}/exec`, `--pidfile=${directory}/pid`];
  const argv = ["dockerd", `--host=unix://${dockerSocket}`, "--storage-driver=overlay2", ...options];
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
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

async function isUp(socket: string): Promise<boolean> {
  using api = dockerApi(socket);
  return (await api.call("GET", "/_ping")) === "OK";
}
