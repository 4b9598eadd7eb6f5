import { join } from "node:path";
import { dockerApi } from "#test/support/docker-api.ts";
import { command, findProcesses, startDaemon } from "#test/support/processes.ts";
import { installPackage } from "../installed-package.ts";
import type { Peer } from "./peer.ts";

/** Ferry as this checkout is installed (or the package that `FERRY_BIN` names the bin directory of). */
export async function ferryPeer(directory: string, log: number): Promise<Peer> {
  const bin = process.env["FERRY_BIN"] ?? (await installPackage(join(directory, "package")));
  const dockerSocket = `${directory}/state/docker.sock`;
  const argv = [`${bin}/ferryd`, "--root", `${directory}/root`, "--state", `${directory}/state`];
  const daemon = await startDaemon(argv, async () => await isUp(dockerSocket), { log });
  const ferry = (...args: string[]) => [`${bin}/ferry`, "--host", `unix://${dockerSocket}`, ...args];
  return {
    name: "ferry",
    version: (await command(ferry("version", "--format", "{{.Server.Version}}"))).trim(),
    dockerSocket,
    commands: {
      pull: (image) => ferry("pull", "-q", image),
      forget: (image) => [ferry("rmi", "-f", image), ferry("system", "prune", "-f")],
      runTrue: (image, name) => ferry("run", "--rm", "--name", name, image, "true"),
      startSleeping: (image, name) => ferry("run", "-d", "--name", name, image, "sleep", "1000"),
      exec: (name) => ferry("exec", name, "true"),
      list: () => ferry("ps", "-a"),
      remove: (name) => [ferry("rm", "-f", name)],
    },
    processes: async () => [daemon.pid, ...(await findProcesses(`${directory}/`)).filter((pid) => pid !== daemon.pid)],
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

async function isUp(socket: string): Promise<boolean> {
  using api = dockerApi(socket);
  return (await api.call("GET", "/_ping")) === "OK";
}
