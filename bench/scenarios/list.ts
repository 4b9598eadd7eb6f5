import { dockerApi } from "#test/support/docker-api.ts";
import { command, timeCommand } from "#test/support/processes.ts";
import type { Peer } from "../peers/peer.ts";
import { inTurn, type Scenario } from "./scenario.ts";

/** `ps -a` with 500 containers, made but not started. */
export const list: Scenario = {
  name: "list",
  async run({ peers, image, progress }) {
    for (const peer of peers) {
      progress(`500 containers: ${peer.name}`);
      for (let index = 0; index < 500; index++) await createOnly(peer, image, `bench-list-${index}`);
    }
    const samples = await inTurn(peers, 10, async ({ commands }) => await timeCommand(commands.list()));
    for (const peer of peers) {
      progress(`removing 500 containers: ${peer.name}`);
      for (let index = 0; index < 500; index++) await removeCreated(peer, `bench-list-${index}`);
    }
    return [{ name: "ps -a with 500 containers", unit: "ms", samples }];
  },
};

async function createOnly({ dockerSocket, commands }: Peer, image: string, name: string): Promise<void> {
  if (dockerSocket === undefined) {
    const [ctr = "", flag = "", socket = ""] = commands.list();
    await command([ctr, flag, socket, "containers", "create", image, name, "true"]);
    return;
  }
  using api = dockerApi(dockerSocket);
  await api.call("POST", `/v1.41/containers/create?name=${name}`, { Image: image, Cmd: ["true"] });
}

async function removeCreated({ dockerSocket, commands }: Peer, name: string): Promise<void> {
  if (dockerSocket === undefined) {
    await command(commands.remove(name).at(-1) ?? []);
    return;
  }
  using api = dockerApi(dockerSocket);
  await api.call("DELETE", `/v1.41/containers/${name}`);
}
