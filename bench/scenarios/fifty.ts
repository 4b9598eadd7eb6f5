import { setTimeout as sleep } from "node:timers/promises";
import { dockerApi } from "#test/support/docker-api.ts";
import type { Peer } from "../peers/peer.ts";
import { command, pssMiB } from "#test/support/processes.ts";
import type { BenchContext, Row, Scenario } from "./scenario.ts";

const count = 50;
const atATime = 10;

/** Fifty containers up, ten at a time: time to the last, memory of the engine with them up, then idle again. */
export const fifty: Scenario = {
  name: "fifty",
  async run(context) {
    const up: Record<string, number[]> = {};
    const loaded: Record<string, number[]> = {};
    const idle: Record<string, number[]> = {};
    for (const peer of context.peers) {
      context.progress(`50 containers: ${peer.name}`);
      await sleep(12_000);
      idle[peer.name] = [await pssMiB(await peer.processes())];
      up[peer.name] = [await startAll(context, peer)];
      await sleep(12_000);
      loaded[peer.name] = [await pssMiB(await peer.processes())];
      await inBatches((name) => removeOne(peer, name));
    }
    return [
      { name: "50 containers, ten at a time", unit: "ms", samples: up },
      { name: "memory (PSS) with 50 up", unit: "MiB", samples: loaded, goals: { containerd: 0.5 } },
      { name: "memory (PSS) idle", unit: "MiB", samples: idle },
    ] satisfies Row[];
  },
};

async function startAll({ image }: BenchContext, peer: Peer): Promise<number> {
  const start = performance.now();
  if (peer.dockerSocket === undefined)
    await inBatches(async (name) => void (await command(peer.commands.startSleeping(image, name))));
  else {
    using api = dockerApi(peer.dockerSocket);
    await inBatches(async (name) => {
      await api.call("POST", `/v1.41/containers/create?name=${name}`, { Image: image, Cmd: ["sleep", "1000"] });
      await api.call("POST", `/v1.41/containers/${name}/start`);
    });
  }
  return performance.now() - start;
}

async function removeOne(peer: Peer, name: string): Promise<void> {
  for (const argv of peer.commands.remove(name)) await command(argv);
}

async function inBatches(work: (name: string) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(`bench-fifty-${next++}`);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
