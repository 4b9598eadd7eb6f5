import type { Peer } from "../peers/peer.ts";
import { dockerApi } from "#test/support/docker-api.ts";
import { inTurn, type Row, type Scenario } from "./scenario.ts";

/** Create and start over the Docker API with the default network; removal is not in the figure. */
export const createStart: Scenario = {
  name: "create-start",
  async run({ peers, image, progress }) {
    const withApi = peers.filter(({ dockerSocket }) => dockerSocket !== undefined);
    const bridged = await sampleLives(withApi, { Image: image, Cmd: ["sleep", "1000"] });
    progress("create + start, host network");
    const hosted = await sampleLives(withApi, {
      Image: image,
      Cmd: ["sleep", "1000"],
      HostConfig: { NetworkMode: "host" },
    });
    return [
      { name: "create + start, bridge", unit: "ms", samples: bridged, goals: { docker: 0.4 } },
      { name: "create + start, host network", unit: "ms", samples: hosted },
    ] satisfies Row[];
  },
};

async function sampleLives(peers: readonly Peer[], body: object): Promise<Record<string, number[]>> {
  return await inTurn(peers, 20, async ({ dockerSocket = "" }, round) => {
    using api = dockerApi(dockerSocket);
    await api.call("GET", "/_ping");
    const name = `bench-create-${round}`;
    const start = performance.now();
    await api.call("POST", `/v1.41/containers/create?name=${name}`, body);
    await api.call("POST", `/v1.41/containers/${name}/start`);
    const took = performance.now() - start;
    await api.call("DELETE", `/v1.41/containers/${name}?force=1`);
    return took;
  });
}
