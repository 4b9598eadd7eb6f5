import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";

/**
 * How far a node came:
 *
 * ```
 * waiting ─► starting ─► moving ─► settling ─► soaking ─► passed
 *                └──────────┴─► failed ◄──┘
 * ```
 */
export type NodeProgress = {
  readonly t: "waiting" | "starting" | "moving" | "settling" | "soaking" | "passed" | "failed";
  /** When it came to be so, and of `moving` when it last reported something new; ms since 1970. */
  readonly sinceMs: number;
  /** 1 at first; one more each time that a stopped run goes on with this node. */
  readonly attempt: number;
  /** DaemonSets that had a ready pod there before, and must again: `kube-system/kube-proxy`. */
  readonly daemonSets: readonly string[];
  /** Of `moving` and `failed`: the step of the node's plan, or of ours (`hand-over`, `gate`). */
  readonly step: string;
  /** Of `failed`: why. Of `starting`: what holds the Job up. */
  readonly message: string;
};

/** A cluster's run, as it is kept in the cluster. */
export type RunState = {
  /** Of this run alone; the nodes' reports carry it. */
  readonly run: string;
  /** `cleaning`: every node has passed, Jobs are removed. */
  readonly phase: "running" | "cleaning" | "done" | "stopped";
  /** Index of the batch that moves. */
  readonly batch: number;
  readonly nodes: Readonly<Record<string, NodeProgress>>;
};

const progresses = ["waiting", "starting", "moving", "settling", "soaking", "passed", "failed"] as const;
const phases = ["running", "cleaning", "done", "stopped"] as const;
const maxNodes = 20_000;

export function formatRunState(state: RunState): string {
  return JSON.stringify({ version: 1, ...state });
}

/** @throws failedPrecondition for another version @throws invalidArgument for what is no state */
export function parseRunState(text: string): RunState {
  const json = JsonReader.parse(Buffer.from(text), "cluster run", 4 << 20);
  const version = json.at("version").size();
  if (version !== 1) {
    throw new EngineError("failedPrecondition", `cluster run: version ${version}, this ferry reads 1`);
  }
  const nodes = json.at("nodes");
  return {
    run: json.at("run").string(),
    phase: oneOf(json.at("phase"), phases),
    batch: json.at("batch").size(),
    nodes: Object.fromEntries(nodes.keys().map((name) => [name, decodeProgress(nodes.at(name))])),
  };
}

function decodeProgress(json: JsonReader): NodeProgress {
  return {
    t: oneOf(json.at("t"), progresses),
    sinceMs: json.at("sinceMs").size(),
    attempt: json.at("attempt").size(),
    daemonSets: json.at("daemonSets").strings(maxNodes),
    step: json.at("step").string(),
    message: json.at("message").string(),
  };
}

function oneOf<T extends string>(json: JsonReader, words: readonly T[]): T {
  const text = json.string();
  return words.find((word) => word === text) ?? json.fail(`is unknown: ${text}`);
}
