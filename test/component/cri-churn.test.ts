import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventuallyEqual, settled } from "#test/support/eventually.ts";
import { openPodBed, type PodBed } from "#test/support/pod-bed.ts";
import { anonymousMiB, pssMiB } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";

/** The short form shares the machine with other tests; `FERRY_CHURN_MINUTES=30` is the long one. */
const minutes = Number(process.env["FERRY_CHURN_MINUTES"] ?? "2");
const slots = 24;
/** Pods are taken up and down one after the other in so many rows at a time. */
const rows = 2;
/** From the begin of one pod to the begin of the next in the same row: what is measured is what a pod leaves, not speed. */
const paceMs = 1_000;
const sampleMs = 1_000;
const long = minutes >= 30;
/** Of the whole time: until it is warm, and each of the two windows that are compared. */
const warmUp = long ? 5 / minutes : 1 / 4;
const window = 1 / 6;
/** In the short form a collector that has not run lately looks like growth; a leak of 50 kB a pod would be more than this. */
const slackMiB = long ? 0 : 8;

type Sample = { readonly atMs: number; readonly own: number; readonly pss: number };

test(`${slots} pods churned for ${minutes} minutes: memory stays flat, nothing is left over`, async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "conmon", "docker-registry", "skopeo", "umoci")) return;
  await using bed = await openPodBed({ bridge: "frchurn0", subnet: "10.231.79.0/24" });
  await withoutPods(bed, async () => {
    const endMs = performance.now() + minutes * 60_000;
    const pods = await Promise.all(Array.from({ length: slots }, (_, slot) => openPod(bed, slot, 0)));
    await using sampler = startSampler(bed.ferry.pid);
    const turns = await Promise.all(Array.from({ length: rows }, (_, row) => churn(bed, pods, { row, endMs })));
    const samples = await sampler.stop();
    for (const pod of pods) await closePod(bed, pod);
    judge(
      t,
      samples,
      turns.reduce((sum, count) => sum + count, 0),
    );
  });
});

/** What is there before `work` is there after it. */
async function withoutPods(bed: PodBed, work: () => Promise<void>): Promise<void> {
  // The first pod leaves the bridge and the plugins' chains behind, as it should.
  await closePod(bed, await openPod(bed, 0, 0));
  const before = await settled(() => bed.state());
  await work();
  await eventuallyEqual(() => bed.state(), before);
}

/** Ends and replaces the pods of one row, in turn; answers how many. */
async function churn(bed: PodBed, pods: Pod[], { row, endMs }: { row: number; endMs: number }): Promise<number> {
  let turns = 0;
  for (let slot = row; performance.now() < endMs; slot = slot + rows < slots ? slot + rows : row) {
    const pace = sleep(paceMs);
    const pod = pods[slot];
    if (pod !== undefined) await closePod(bed, pod);
    pods[slot] = await openPod(bed, slot, ++turns);
    await pace;
  }
  return turns;
}

type Pod = { readonly podSandboxId: string; readonly containerId: string };

async function openPod({ v1: { runtime }, image, logs }: PodBed, slot: number, attempt: number): Promise<Pod> {
  const config = {
    metadata: { name: `slot-${slot}`, uid: `uid-${slot}`, namespace: "default", attempt },
    hostname: `slot-${slot}`,
    logDirectory: logs,
  };
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const container = {
    metadata: { name: "main", attempt },
    image: { image },
    command: ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait; done"],
    logPath: `${slot}.log`,
  };
  const { containerId } = await runtime.createContainer({ podSandboxId, config: container });
  await runtime.startContainer({ containerId });
  return { podSandboxId, containerId };
}

async function closePod({ v1: { runtime } }: PodBed, { podSandboxId, containerId }: Pod): Promise<void> {
  const { stdout } = await runtime.execSync({ containerId, cmd: ["echo", "there"], timeout: 30n });
  assert.equal(Buffer.from(stdout).toString(), "there\n");
  await runtime.listContainerStats({});
  await runtime.stopContainer({ containerId, timeout: 10n });
  await runtime.removeContainer({ containerId });
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
}

function startSampler(pid: number): AsyncDisposable & { stop(): Promise<readonly Sample[]> } {
  const samples: Sample[] = [];
  const stopped = new AbortController();
  const running = sample(pid, samples, stopped.signal);
  const stop = async () => {
    stopped.abort();
    await running;
    return samples;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

async function sample(pid: number, samples: Sample[], signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  while (!signal.aborted) {
    const [own, pss] = await Promise.all([anonymousMiB(pid), pssMiB([pid])]);
    samples.push({ atMs: performance.now() - startedMs, own, pss });
    await sleep(sampleMs, undefined, { signal }).catch(() => {});
  }
}

function judge(t: TestContext, samples: readonly Sample[], turns: number): void {
  const lastMs = samples.at(-1)?.atMs ?? 0;
  const median = (kind: "own" | "pss", from: number) => {
    const within = samples.filter(({ atMs }) => atMs >= from * lastMs && atMs <= (from + window) * lastMs);
    return within.map((sample) => sample[kind]).sort((a, b) => a - b)[Math.floor(within.length / 2)] ?? 0;
  };
  const [first, last] = [median("own", warmUp), median("own", 1 - window)];
  const told = (kind: "own" | "pss") =>
    `${median(kind, warmUp).toFixed(1)} MiB at first, ${median(kind, 1 - window).toFixed(1)} at the end`;
  // The proportional share of the runtime's own pages grows when another test's process ends: told, not judged.
  const said = `${turns} pods replaced, daemon has ${told("own")} to itself; PSS ${told("pss")}`;
  t.diagnostic(said);
  assert.ok(first > 0 && turns > 0);
  assert.ok(last <= first * 1.1 + slackMiB, said);
}
