import { setTimeout as sleep } from "node:timers/promises";
import { isKind, messageOf } from "#base/errors.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../call.ts";
import { runtimeTargets } from "../plan/runtime-target.ts";
import { jobSelector, type HandOver } from "./hand-over.ts";
import { jobsPath } from "./observe-job.ts";
import { observeNode } from "./observe-node.ts";
import { persist } from "./persist.ts";
import type { RunRecord } from "./run-record.ts";
import type { NodeProgress, RunState } from "./run-state.ts";
import { nodesToWatch, stepRun, type RunEffect, type RunEvent, type RunRules } from "./step-run.ts";

/** What happened, told once it is kept. */
export type RunNews =
  | { readonly t: "node"; readonly node: string; readonly batch: string; readonly progress: NodeProgress }
  | { readonly t: "batch"; readonly batch: string; readonly title: string; readonly nodes: readonly string[] }
  | { readonly t: "away"; readonly message: string }
  | { readonly t: "ended"; readonly phase: RunState["phase"] };

export type RunDeps = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly record: RunRecord;
  readonly rules: RunRules;
  /** Between two looks at the nodes. */
  readonly intervalMs: number;
  /** Gives a node its move; once more changes nothing. */
  readonly handOver: (call: Call, turn: HandOver) => Promise<void>;
  readonly tell: (news: RunNews) => void;
};

/** Limits that no plan says. */
const runLimits = { handOverMs: 10 * 60_000, silenceMs: 2 * 3_600_000, gateMs: 10 * 60_000 };

export function rulesOf({ plan }: RunRecord["order"]): RunRules {
  return { batches: plan.batches, runtimePrefix: runtimeTargets[plan.target].prefix, ...runLimits };
}

/**
 * Goes on with the record's run until it is done or stopped; `retry` goes on with a stopped one. Each new state is kept
 * before its effects are done, so that another controller can go on from any moment. Aborting `call.signal` stops watching;
 * nodes that move go on by themselves.
 *
 * @throws conflict when another controller changed the record
 */
export async function runCluster(call: Call, deps: RunDeps, options: { retry: boolean }): Promise<RunState> {
  const run = new ClusterRun(deps);
  const atMs = Date.now();
  run.tellBatch();
  if (options.retry) await run.feed(call, { t: "retry", atMs });
  await run.feed(call, { t: "watched", atMs });
  while (run.state.phase === "running") {
    await run.look(call);
    if (run.state.phase === "running") await sleep(deps.intervalMs, undefined, { signal: call.signal });
  }
  if (run.state.phase === "cleaning") await run.clean(call);
  deps.tell({ t: "ended", phase: run.state.phase });
  return run.state;
}

class ClusterRun {
  readonly #deps: RunDeps;
  state: RunState;

  constructor(deps: RunDeps) {
    this.#deps = deps;
    this.state = deps.record.state;
  }

  /** Looks once at every node of the batch. */
  async look(call: Call): Promise<void> {
    const { client, namespace, rules } = this.#deps;
    for (const node of nodesToWatch(rules, this.state)) {
      const progress = this.state.nodes[node];
      if (progress === undefined || this.state.phase !== "running") continue;
      const look = { run: this.state.run, node, namespace, progress };
      const sight = await this.#persist(call, async () => await observeNode(call, client, look));
      const atMs = Date.now();
      await this.feed(call, sight === undefined ? { t: "gone", node, atMs } : { t: "seen", node, atMs, sight });
    }
  }

  async feed(call: Call, event: RunEvent): Promise<void> {
    const before = this.state;
    const { state, effects } = stepRun(this.#deps.rules, before, event);
    if (JSON.stringify(state) !== JSON.stringify(before)) {
      await this.#persist(call, async () => await this.#deps.record.save(call, state));
      this.state = state;
      this.#tellChanges(before);
    }
    for (const effect of effects) await this.#handOver(call, effect);
  }

  async clean(call: Call): Promise<void> {
    const { client, namespace } = this.#deps;
    await this.#persist(call, async () => {
      const labelSelector = jobSelector(this.state.run);
      for await (const { items } of client.list(call, jobsPath(namespace), { labelSelector })) {
        for (const name of items.flatMap(nameOf)) {
          await client
            .delete(call, `${jobsPath(namespace)}/${name}`, { propagationPolicy: "Background" })
            .catch(ignoreMissing);
        }
      }
    });
    await this.feed(call, { t: "cleaned" });
  }

  tellBatch(): void {
    const batch = this.#deps.record.order.plan.batches[this.state.batch];
    if (batch === undefined || this.state.phase === "cleaning" || this.state.phase === "done") return;
    this.#deps.tell({ t: "batch", batch: batch.id, title: batch.title, nodes: batch.nodes });
  }

  async #handOver(call: Call, { node, attempt }: RunEffect): Promise<void> {
    const { words } = this.#deps.record.order;
    const turn = { run: this.state.run, node, attempt, words };
    await this.#persist(call, async () => await this.#deps.handOver(call, turn));
  }

  #tellChanges(before: RunState): void {
    const batch = this.#deps.record.order.plan.batches[before.batch]?.id ?? "";
    for (const [node, progress] of Object.entries(this.state.nodes)) {
      const was = before.nodes[node];
      if (was?.t === progress.t && was.step === progress.step && was.message === progress.message) continue;
      this.#deps.tell({ t: "node", node, batch, progress });
    }
    if (before.batch !== this.state.batch) this.tellBatch();
  }

  async #persist<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    const away = (error: unknown) => this.#deps.tell({ t: "away", message: messageOf(error) });
    return await persist(call, ask, away);
  }
}

function nameOf(item: Readonly<Record<string, unknown>>): string[] {
  const metadata = item["metadata"];
  const name: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "name") : undefined;
  return typeof name === "string" ? [encodeURIComponent(name)] : [];
}

function ignoreMissing(error: unknown): void {
  if (!isKind(error, "notFound")) throw error;
}
