import type { Batch } from "../plan/cluster/cluster-plan.ts";
import type { NodeReport } from "./node-report.ts";
import type { NodeProgress, RunState } from "./run-state.ts";

/** What of a plan and of the options decides. */
export type RunRules = {
  readonly batches: readonly Pick<Batch, "nodes" | "soakMs">[];
  /** `containerd://`; what a node's `containerRuntimeVersion` begins with once it has moved. */
  readonly runtimePrefix: string;
  /** A Job has so long until its node reports. */
  readonly handOverMs: number;
  /** A node that moves may be silent so long: a big store is carried in one step. */
  readonly silenceMs: number;
  /** A node that has moved has so long until it is Ready with its DaemonSets. */
  readonly gateMs: number;
};

/** The Job that hands over; `why`, where its pod says so, it failed or has not begun. */
export type JobSight = { readonly t: "absent" | "active" | "failed"; readonly why: string };

/** A node as the API shows it. */
export type Sight = {
  readonly isReady: boolean;
  readonly runtime: string;
  readonly report: NodeReport | undefined;
  readonly job: JobSight;
  /** DaemonSets with a pod there, and whether that is ready. */
  readonly daemonSets: Readonly<Record<string, boolean>>;
};

export type RunEvent =
  | { readonly t: "seen"; readonly node: string; readonly atMs: number; readonly sight: Sight }
  /** The Node object is gone. */
  | { readonly t: "gone"; readonly node: string; readonly atMs: number }
  /** A controller begins to watch: nobody saw whether nodes stayed Ready until now. */
  | { readonly t: "watched"; readonly atMs: number }
  /** Somebody asks to go on with a stopped run. */
  | { readonly t: "retry"; readonly atMs: number }
  | { readonly t: "cleaned" };

/** Hands the move over to the node. Once more changes nothing. */
export type RunEffect = { readonly t: "hand-over"; readonly node: string; readonly attempt: number };

export type RunOutcome = { readonly state: RunState; readonly effects: readonly RunEffect[] };

/** A run that has not begun. */
export function newRun(run: string, batches: RunRules["batches"]): RunState {
  const waiting: NodeProgress = { t: "waiting", sinceMs: 0, attempt: 1, daemonSets: [], step: "", message: "" };
  const names = batches.flatMap(({ nodes }) => nodes);
  return {
    run,
    phase: names.length === 0 ? "cleaning" : "running",
    batch: 0,
    nodes: Object.fromEntries(names.map((name) => [name, waiting])),
  };
}

/** Nodes to look at now: of the batch that moves, those that are not through. */
export function nodesToWatch(rules: RunRules, state: RunState): string[] {
  if (state.phase !== "running") return [];
  const names = rules.batches[state.batch]?.nodes ?? [];
  return names.filter((name) => !["passed", "failed"].includes(state.nodes[name]?.t ?? "failed"));
}

/**
 * What one event changes, and what is to be done once the new state is kept. Effects that a crash swallowed come again:
 * a node that is `starting` without a Job is handed over with the next look at it.
 */
export function stepRun(rules: RunRules, state: RunState, event: RunEvent): RunOutcome {
  switch (event.t) {
    case "cleaned":
      return { state: state.phase === "cleaning" ? { ...state, phase: "done" } : state, effects: [] };
    case "watched":
      return {
        state: mapNodes(state, (node) => (node.t === "soaking" ? at(node, "settling", event.atMs) : node)),
        effects: [],
      };
    case "retry":
      return { state: retried(state, event.atMs), effects: [] };
    case "gone":
    case "seen": {
      const node = state.nodes[event.node];
      if (node === undefined || state.phase !== "running") return { state, effects: [] };
      const next =
        event.t === "gone"
          ? failed(node, event.atMs, { step: "gate", message: "the Node is gone from the cluster" })
          : seen(rules, state, { node, event });
      const changed = next === node ? state : { ...state, nodes: { ...state.nodes, [event.node]: next } };
      const isWanting = next.t === "starting" && event.t === "seen" && event.sight.job.t === "absent";
      return withBatch(rules, changed, isWanting ? [{ t: "hand-over", node: event.node, attempt: next.attempt }] : []);
    }
    default:
      return event satisfies never;
  }
}

type Look = { readonly node: NodeProgress; readonly event: Extract<RunEvent, { t: "seen" }> };

function seen(rules: RunRules, state: RunState, { node, event }: Look): NodeProgress {
  const { sight, atMs } = event;
  switch (node.t) {
    case "waiting":
      return hasFailure(rules, state) ? node : begun(rules, { node, event });
    case "starting":
    case "moving":
      return reported(rules, state, { node, event });
    case "settling":
    case "soaking": {
      const why = whyNotSettled(rules, node, sight);
      if (node.t === "settling") {
        if (why === undefined) return at(node, "soaking", atMs);
        const isLate = atMs - node.sinceMs > rules.gateMs;
        return isLate ? failed(node, atMs, { step: "gate", message: why }) : node;
      }
      if (why !== undefined) return at(node, "settling", atMs);
      const soakMs = rules.batches[state.batch]?.soakMs ?? 0;
      // What was awaited is forgotten: the record of a large cluster must fit in one ConfigMap.
      return atMs - node.sinceMs >= soakMs ? { ...at(node, "passed", atMs), daemonSets: [] } : node;
    }
    case "passed":
    case "failed":
      return node;
    default:
      return node.t satisfies never;
  }
}

function hasFailure(rules: RunRules, state: RunState): boolean {
  return (rules.batches[state.batch]?.nodes ?? []).some((name) => state.nodes[name]?.t === "failed");
}

/** A node that somebody moved meanwhile only passes its gate; dockershim and cri-dockerd are not told apart by name. */
function begun(rules: RunRules, { node, event: { sight, atMs } }: Look): NodeProgress {
  const isMoved = rules.runtimePrefix !== "docker://" && sight.runtime.startsWith(rules.runtimePrefix);
  const daemonSets = awaited(node, sight, isMoved);
  if (isMoved) return { ...at(node, "settling", atMs), daemonSets };
  if (!sight.isReady) return failed(node, atMs, { step: "gate", message: "not Ready before its move: mend it first" });
  return { ...at(node, "starting", atMs), daemonSets };
}

/** What was not ready before the move is nothing that it broke; another try awaits what the first one found. */
function awaited({ daemonSets }: NodeProgress, sight: Sight, isMoved: boolean): string[] {
  const all = Object.keys(sight.daemonSets);
  if (isMoved) return [...(daemonSets.length > 0 ? daemonSets : all)].sort();
  return [...new Set([...daemonSets, ...all.filter((name) => sight.daemonSets[name] === true)])].sort();
}

function reported(rules: RunRules, { run }: RunState, { node, event: { sight, atMs } }: Look): NodeProgress {
  const { report } = sight;
  if (report?.run === run && report.attempt === node.attempt) {
    if (report.state === "failed") return failed(node, atMs, report);
    if (report.state === "moved") return at(node, "settling", atMs);
    if (node.t !== "moving" || report.step !== node.step) return { ...at(node, "moving", atMs), step: report.step };
  }
  const { why } = sight.job;
  if (node.t === "starting" && sight.job.t === "failed") {
    return failed(node, atMs, { step: "hand-over", message: `the Job failed${why === "" ? "" : `: ${why}`}` });
  }
  const [limitMs, step] = node.t === "starting" ? [rules.handOverMs, "hand-over"] : [rules.silenceMs, node.step];
  if (atMs - node.sinceMs <= limitMs) {
    return node.t === "starting" && why !== node.message ? { ...node, message: why } : node;
  }
  const message = `nothing was heard of it for too long${why === "" ? "" : `: ${why}`}`;
  return failed(node, atMs, { step, message });
}

function whyNotSettled(rules: RunRules, node: NodeProgress, sight: Sight): string | undefined {
  if (!sight.isReady) return "the node is not Ready";
  if (!sight.runtime.startsWith(rules.runtimePrefix)) return `the node runs ${sight.runtime}`;
  const missing = node.daemonSets.filter((name) => sight.daemonSets[name] !== true);
  return missing.length === 0 ? undefined : `no ready pod of ${missing.join(", ")}`;
}

/** The batch ends when all have passed, or one has failed and no other is between two runtimes. */
function withBatch(rules: RunRules, state: RunState, effects: readonly RunEffect[]): RunOutcome {
  const names = rules.batches[state.batch]?.nodes ?? [];
  const are = (...of: NodeProgress["t"][]) => names.every((name) => of.includes(state.nodes[name]?.t ?? "passed"));
  const hasFailed = hasFailure(rules, state);
  if (hasFailed && are("failed", "passed", "soaking", "waiting"))
    return { state: { ...state, phase: "stopped" }, effects };
  if (hasFailed) return { state, effects };
  if (!are("passed")) return { state, effects };
  if (state.batch + 1 < rules.batches.length) return { state: { ...state, batch: state.batch + 1 }, effects };
  return { state: { ...state, phase: "cleaning" }, effects };
}

function retried(state: RunState, atMs: number): RunState {
  if (state.phase !== "stopped") return state;
  const again = (node: NodeProgress): NodeProgress =>
    node.t === "failed" ? { ...at(node, "waiting", atMs), attempt: node.attempt + 1 } : node;
  return { ...mapNodes(state, again), phase: "running" };
}

function mapNodes(state: RunState, change: (node: NodeProgress) => NodeProgress): RunState {
  const nodes = Object.entries(state.nodes).map(([name, node]) => [name, change(node)] as const);
  return { ...state, nodes: Object.fromEntries(nodes) };
}

function at(node: NodeProgress, t: NodeProgress["t"], sinceMs: number): NodeProgress {
  return { ...node, t, sinceMs, step: "", message: "" };
}

function failed(
  node: NodeProgress,
  sinceMs: number,
  { step, message }: { step: string; message: string },
): NodeProgress {
  return { ...node, t: "failed", sinceMs, step, message };
}
