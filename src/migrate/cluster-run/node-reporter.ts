import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { nodePath } from "../apply/cluster-node.ts";
import { formatNodeReport, reportAnnotation, type NodeReport } from "./node-report.ts";

/** How long the last report may take to arrive: a control plane node's API server starts again with it. */
const lastReportMs = 15 * 60_000;

/**
 * Writes what this node says of its move into its annotation, the newest only, beside the move: a report that cannot be
 * written holds nothing up. Disposing waits until the last one has arrived.
 */
export class NodeReporter implements AsyncDisposable {
  readonly #connect: () => Promise<KubernetesClient>;
  readonly #node: string;
  readonly #who: Pick<NodeReport, "run" | "attempt">;
  readonly #end = new AbortController();
  #next: NodeReport | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(connect: () => Promise<KubernetesClient>, node: string, who: Pick<NodeReport, "run" | "attempt">) {
    this.#connect = connect;
    this.#node = node;
    this.#who = who;
  }

  report(state: NodeReport["state"], what: { step?: string; message?: string } = {}): void {
    const { run, attempt } = this.#who;
    this.#next = { run, attempt, state, step: what.step ?? "", message: what.message ?? "" };
    if (!this.#isWriting) this.#writing = this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#end.abort(), lastReportMs);
    await this.#writing;
    clearTimeout(timer);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#next !== undefined && !this.#end.signal.aborted) {
      const report = this.#next;
      try {
        await this.#patch(report);
        if (this.#next === report) this.#next = undefined;
      } catch {
        // Said again until it is heard; whoever waits for it has a limit of its own.
        await sleep(1_000, undefined, { signal: this.#end.signal }).catch(() => {});
      }
    }
    this.#isWriting = false;
  }

  async #patch(report: NodeReport): Promise<void> {
    const client = await this.#connect();
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(10_000)]);
    const annotations = { [reportAnnotation]: formatNodeReport(report) };
    await client.patch({ signal }, nodePath(this.#node), "merge", { metadata: { annotations } });
  }
}
