import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, pssMiB } from "#test/support/processes.ts";
import { inTurn, type Row } from "../scenarios/scenario.ts";
import { median } from "../statistics.ts";
import { bringUp, execEcho, operations, takeDown, type Note, type RunningPod } from "./pod-life.ts";
import type { PodPeer } from "./pod-peer.ts";

export type PodBench = {
  readonly peers: readonly PodPeer[];
  readonly image: string;
  readonly directory: string;
  readonly idleSeconds: number;
  readonly progress: (text: string) => void;
};

type Samples = Record<string, number[]>;
const sequentialPods = 20;
const warmUpPods = 2;
const batches = [50, 105];
const atATime = 10;
const settleMs = 12_000;
const goals = { containerd: 0.5 };

/** Pods over CRI: one life after the other, then many at a time; Ferry beside containerd. */
export async function measurePods(bench: PodBench): Promise<Row[]> {
  const rows = await sequential(bench);
  for (const count of batches) rows.push(...(await batch(bench, count)));
  return rows;
}

/** The peers in turn, pod by pod; the first lives warm things up and do not count. */
async function sequential(bench: PodBench): Promise<Row[]> {
  const samples = new Map(operations.map((operation) => [operation, emptySamples(bench)]));
  const plain = await inTurn(bench.peers, warmUpPods + sequentialPods, async ({ name, client }, round) => {
    bench.progress(`pod ${round + 1}/${warmUpPods + sequentialPods} ${name}`);
    const note: Note = (operation, ms) => {
      if (round >= warmUpPods) samples.get(operation)?.[name]?.push(ms);
    };
    const pod = await bringUp(client, await plan(bench, name, `one-${round}`), note);
    await execEcho(client, pod, note);
    await takeDown(client, pod, note);
    const start = performance.now();
    await client.runtime.version({});
    return performance.now() - start;
  });
  const sums = Object.fromEntries(
    bench.peers.map(({ name }) => [name, [sum([...samples.values()].map((by) => median(by[name] ?? [])))]]),
  );
  return [
    ...operations.map((name): Row => ({ name, unit: "ms", samples: samples.get(name) ?? {} })),
    { name: "sum of medians", unit: "ms", samples: sums, goals },
    { name: "Version, for what client and transport take", unit: "ms", samples: plain },
  ];
}

/** One peer after the other: memory that they share would count for none of them in full. */
async function batch(bench: PodBench, count: number): Promise<Row[]> {
  const rows: Row[] = [
    { name: `${count} pods up, ${atATime} at a time`, unit: "ms", samples: emptySamples(bench), goals },
    { name: "  CPU for it", unit: "s", samples: emptySamples(bench) },
    { name: "  memory (PSS) with them up", unit: "MiB", samples: emptySamples(bench), goals },
    { name: `  CPU of ${bench.idleSeconds} s with them up, idle`, unit: "s", samples: emptySamples(bench) },
    { name: "  memory (PSS) after it", unit: "MiB", samples: emptySamples(bench), goals },
    { name: `${count} pods down`, unit: "ms", samples: emptySamples(bench) },
  ];
  for (const peer of bench.peers) {
    bench.progress(`${count} pods ${peer.name}`);
    const figures = await batchOf(bench, peer, count);
    for (const [at, row] of rows.entries()) row.samples[peer.name]?.push(figures[at] ?? Number.NaN);
  }
  return rows;
}

async function batchOf(bench: PodBench, peer: PodPeer, count: number): Promise<number[]> {
  const silent: Note = () => {};
  const pods: RunningPod[] = [];
  const [before] = await usage(peer);
  const up = await timeMany(Array.from({ length: count }).keys().toArray(), async (index) => {
    pods.push(await bringUp(peer.client, await plan(bench, peer.name, `many-${count}-${index}`), silent));
  });
  const [after] = await usage(peer);
  await sleep(settleMs);
  const [atRest, memory] = await usage(peer);
  await sleep(bench.idleSeconds * 1000);
  const [later, memoryLater] = await usage(peer);
  const down = await timeMany(pods, (pod) => takeDown(peer.client, pod, silent));
  return [up, after - before, memory, later - atRest, memoryLater, down];
}

async function usage(peer: PodPeer): Promise<readonly [cpu: number, memory: number]> {
  const pids = await peer.processes();
  return [await cpuSeconds(pids), await pssMiB(pids)];
}

async function timeMany<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<number> {
  const queue = [...items];
  const start = performance.now();
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return performance.now() - start;
}

async function plan({ directory, image }: PodBench, peer: string, name: string) {
  const logRoot = join(directory, "logs", peer);
  await mkdir(join(logRoot, name), { recursive: true });
  return { name, image, logRoot };
}

function emptySamples({ peers }: PodBench): Samples {
  return Object.fromEntries(peers.map(({ name }) => [name, []]));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
