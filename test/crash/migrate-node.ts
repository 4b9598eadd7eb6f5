import assert from "node:assert/strict";
import { readState } from "#migrate/apply/migration-run.ts";
import type { JournalRecord } from "#migrate/apply/journal-record.ts";
import type { Target } from "#migrate/plan/step.ts";
import { KubernetesNode } from "../support/node/kubernetes-node.ts";
import type { NodeLayout } from "../support/node/layouts.ts";
import { nodeCommand } from "../support/node/test-node.ts";

const fixture = new URL("../../src/migrate/apply/apply-plan.fixture.ts", import.meta.url).pathname;
const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const journalDirectory = "/var/lib/ferry-migrate";
const prefixes: Readonly<Record<Target, string>> = {
  ferry: "ferry://",
  containerd: "containerd://",
  "cri-dockerd": "docker://",
};
/** More than any run has records. */
const mostKills = 200;

type Verb = "apply" | "rollback";
/** When a process is killed: after so many records of its own, or so long after its start. */
type Kill = { readonly records: number } | { readonly ms: number };

/**
 * A node that is moved and put back again and again, by processes that kill themselves after a record of the journal. What
 * an undisturbed run left, and what was there before, is what every other run is measured by.
 */
export class MovingNode implements AsyncDisposable {
  readonly #node: KubernetesNode;
  readonly #plan: string;
  readonly #name: string;
  readonly #prefix: string;
  #original: unknown;
  #moved: unknown;
  /** Of an undisturbed `apply`. */
  records: readonly JournalRecord[] = [];
  /** Of the undisturbed `rollback` behind it. */
  backRecords: readonly JournalRecord[] = [];

  private constructor(node: KubernetesNode, plan: string, { name, prefix }: { name: string; prefix: string }) {
    this.#node = node;
    this.#plan = plan;
    this.#name = name;
    this.#prefix = prefix;
  }

  /** Boots it and plans its move. */
  static async open(layout: NodeLayout, target: Target): Promise<MovingNode> {
    await using undo = new AsyncDisposableStack();
    const node = undo.use(await KubernetesNode.open(layout));
    const path = node.machine.at("plan.json");
    const options = ["--target", target, "--smoke-image", node.images.small, "--out", path];
    await node.machine.run(ferry, "migrate", "plan", ...options);
    undo.move();
    return new MovingNode(node, path, { name: `${layout.version} to ${target}`, prefix: prefixes[target] });
  }

  /** Moves it and takes it back without a kill. Answers how long each took, in milliseconds. */
  async undisturbed(): Promise<{ applyMs: number; rollbackMs: number }> {
    this.#original = await this.#wholeState();
    const applying = performance.now();
    await this.#run("apply");
    const applyMs = performance.now() - applying;
    this.#moved = await this.#state();
    assert.ok(this.#node.runtimeVersion.startsWith(this.#prefix), this.#node.runtimeVersion);
    this.records = await this.#journal();
    const rolling = performance.now();
    await this.#run("rollback");
    const rollbackMs = performance.now() - rolling;
    this.backRecords = (await this.#journal()).slice(this.records.length);
    await this.#isBack("undisturbed");
    return { applyMs, rollbackMs };
  }

  /** Number of the record that says that a step of this name, as `remove-pods`, is done. */
  recordOf(step: string): number {
    const at = this.records.findIndex((record) => record.t === "done" && record.step.endsWith(`-${step}`));
    assert.notEqual(at, -1, step);
    return at + 1;
  }

  /** Kills `apply` after `ms`, and the `rollback` that follows, straight away or once another has finished the move. */
  async killAtMoment(ms: { apply: number; rollback: number }, how: "finished" | "straight away"): Promise<void> {
    const why = `killed after ${Math.round(ms.apply)} and ${Math.round(ms.rollback)} ms, ${how}`;
    await this.#run("apply", { ms: ms.apply });
    if (how === "finished") {
      await this.#run("apply");
      await this.#isMoved(why);
    }
    await this.#run("rollback", { ms: ms.rollback });
    await this.#run("rollback");
    await this.#isBack(why);
  }

  /**
   * Kills `apply` after a record, and one more goes straight on to the end; then `rollback` in the same way. What both wrote
   * is, record by record, what they write undisturbed: nothing is begun twice, nothing left out.
   */
  async finishAfter(record: { readonly apply: number; readonly rollback: number }): Promise<void> {
    const { apply, rollback } = record;
    const why = `killed after record ${apply}, resumed, killed after record ${rollback} of the way back, resumed`;
    assert.equal(await this.#run("apply", { records: apply }), "killed", why);
    await this.#run("apply");
    await this.#isMoved(why);
    assert.equal(await this.#run("rollback", { records: rollback }), "killed", why);
    await this.#run("rollback");
    assert.deepEqual(wordsOf(await this.#journal()), wordsOf([...this.records, ...this.backRecords]), why);
    await this.#isBack(why);
  }

  /** Kills `apply` after `record`, then the `rollback` that follows it, and finishes that by another. */
  async goBackAfter(record: number): Promise<void> {
    await this.#run("apply", { records: record });
    await this.#run("rollback", { records: 1 + (record % 5) });
    await this.#run("rollback");
    await this.#isBack(`killed after record ${record} and on the way back`);
  }

  /** Cuts the power after `record`; the node boots, and another `apply` finishes. Then it is taken back. */
  async resumeAfterBoot(record: number): Promise<void> {
    await this.#run("apply", { records: record });
    await this.#node.reboot();
    await this.#run("apply");
    await this.#isMoved(`rebooted after record ${record}, resumed`);
    await this.#run("rollback");
    await this.#isBack(`rebooted after record ${record}, resumed`);
  }

  /** Cuts the power after `record`, and again after a record of the way back. */
  async goBackAfterBoot(record: number): Promise<void> {
    await this.#run("apply", { records: record });
    await this.#node.reboot();
    await this.#run("rollback", { records: 1 + (record % 7) });
    await this.#node.reboot();
    await this.#run("rollback");
    await this.#isBack(`rebooted after record ${record} and on the way back`);
  }

  /** Kills `apply` after each of its records, every process living for one; then `rollback`. Answers the kills of each. */
  async killAfterEach(): Promise<Readonly<Record<Verb, number>>> {
    const apply = await this.#killAll("apply");
    await this.#isMoved("killed after each record");
    const rollback = await this.#killAll("rollback");
    await this.#isBack("killed after each record");
    return { apply, rollback };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  async #killAll(verb: Verb): Promise<number> {
    for (let kills = 0; kills < mostKills; kills++) {
      // A run that was killed before its first step begins anew, with the same record.
      const isAnew = verb === "apply" && (await this.#journal()).at(-1)?.t === "opened";
      if ((await this.#run(verb, { records: isAnew ? 2 : 1 })) === "ended") return kills;
    }
    throw new Error(`${this.#name}: ${verb} does not come to its end by one record at a time`);
  }

  async #journal() {
    return await readState(this.#node.machine.at(journalDirectory));
  }

  async #run(verb: Verb, kill: Kill = { records: 0 }): Promise<"ended" | "killed"> {
    const timeout = "ms" in kill ? ["timeout", "--signal=KILL", String(kill.ms / 1000)] : [];
    const records = "records" in kill ? kill.records : 0;
    const argv = [...timeout, ...nodeCommand, fixture, verb, "/", journalDirectory, this.#plan, String(records)];
    const env = { KUBECONFIG: "/etc/kubernetes/kubelet.conf" };
    const { code, stdout, stderr } = await this.#node.machine.try(argv, env);
    const mayBeKilled = records > 0 || timeout.length > 0;
    // `timeout` ends as what it killed, or with a shell's number for that.
    const isExpected = code === 0 || (mayBeKilled && (code === null || code === 137));
    assert.ok(isExpected, `${verb} of ${this.#name}, ${JSON.stringify(kill)}: ${code}\n${stdout}${stderr}`);
    return code === 0 ? "ended" : "killed";
  }

  async #isMoved(why: string): Promise<void> {
    assert.deepEqual(await this.#state(), this.#moved, `${this.#name}: ${why}`);
  }

  async #isBack(why: string): Promise<void> {
    assert.deepEqual(await this.#wholeState(), this.#original, `${this.#name}: ${why}: back`);
    this.#node.putPods();
    await this.#node.settled("docker://");
  }

  /** What is put back to the byte, times of files among it. */
  async #wholeState() {
    return { files: await this.#node.listing(), units: await this.#node.units(), node: this.#node.marks };
  }

  /** As an undisturbed run leaves it; files that were written have times of their own. */
  async #state() {
    const files = (await this.#node.listing()).map((line) => line.replace(/\|\d+\.\d{10}/, ""));
    await this.#node.settled(this.#prefix, ["net-1", "static-worker-1"]);
    return { files, units: await this.#node.units(), node: this.#node.marks, pods: this.#node.readyPods };
  }
}

/** Records without their times. */
function wordsOf(records: readonly JournalRecord[]): string[] {
  return records.map((record) => ("step" in record ? `${record.t} ${record.step}` : record.t));
}
