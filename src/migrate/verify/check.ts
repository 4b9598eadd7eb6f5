import { messageOf } from "#base/errors.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { within, type Call } from "../call.ts";
import { nextStep } from "./next-step.ts";
import type { Proof } from "./verification.ts";

/** What a check has to work with. */
export type CheckBed = {
  readonly client: KubernetesClient;
  readonly node: string;
  /** One that has a shell, `nc` and `sleep`. */
  readonly image: string;
  /** Where pods are made that belong to no other. */
  readonly namespace: string;
};

/** One thing that a node is asked to show. */
export type Check = {
  readonly name: string;
  /** Answers what was seen. @throws EngineError naming what failed and how */
  readonly prove: (call: Call) => Promise<string>;
  /** What to do after a failure that says nothing better. */
  readonly next: string;
};

/** Tries it once, for so long at most. @throws what `call` was aborted with */
export async function tryCheck(call: Call, { name, prove, next }: Check, timeoutMs: number): Promise<Proof> {
  try {
    return { name, outcome: "passed", detail: await prove(within(call, timeoutMs)) };
  } catch (error) {
    if (call.signal.aborted) throw error;
    const detail = messageOf(error);
    return { name, outcome: "failed", detail, next: nextStep(detail) ?? next };
  }
}
