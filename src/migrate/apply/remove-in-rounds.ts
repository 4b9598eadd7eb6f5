import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../call.ts";

/** One runtime's pods. */
export type PodRemoval = {
  readonly remove: (call: Call) => Promise<void>;
  readonly count: (call: Call) => Promise<number>;
};

const rounds = 5;
const roundMs = 500;

/**
 * Removes a stopped kubelet's pods until none is left. What it asked for just before it was stopped comes up a moment
 * later, so that only a second look counts. Answers how many would not go.
 */
export async function removeInRounds(call: Call, { remove, count }: PodRemoval): Promise<number> {
  for (let round = 1; ; round++) {
    await remove(call);
    await sleep(roundMs, undefined, { signal: call.signal });
    const left = await count(call);
    if (left === 0 || round === rounds) return left;
  }
}
