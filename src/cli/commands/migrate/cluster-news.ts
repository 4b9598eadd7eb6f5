import { durationText } from "#base/duration-text.ts";
import type { GoneBack } from "#migrate/cluster-run/nodes-gone-back.ts";
import type { RunNews } from "#migrate/cluster-run/run-cluster.ts";
import type { RunOrder } from "#migrate/cluster-run/run-record.ts";
import type { NodeProgress, RunState } from "#migrate/cluster-run/run-state.ts";
import { print, warn } from "../../output.ts";
import { openProgress } from "../../format/open-progress.ts";

export type NewsFormat = "text" | "json";

/** A run's own news, and what became of its nodes after it. */
export type ClusterNews = RunNews | ({ readonly t: "gone-back" } & GoneBack);

export type News = Disposable & { readonly tell: (news: ClusterNews) => void };

type Told = {
  readonly order: RunOrder;
  readonly state: RunState;
  /** The command that goes on with the run. */
  readonly again: string;
};

/** Tells of a cluster's run: lines on standard output, and on a terminal one more below them that counts. */
export function openNews(format: NewsFormat, told: Told): News {
  if (format === "json") {
    return { tell: (news) => print(JSON.stringify({ at: new Date().toISOString(), ...news })), [Symbol.dispose]() {} };
  }
  const progress = openProgress();
  const nodes = new Map(Object.entries(told.state.nodes));
  let isAway = false;
  const show = () => progress.show(countLine(nodes, Math.max(process.stderr.columns ?? 80, 40)));
  // Spans go on while nothing happens.
  const clock = setInterval(show, 1_000);
  const tell = (news: ClusterNews) => {
    progress[Symbol.dispose]();
    if (news.t === "node") nodes.set(news.node, news.progress);
    if (news.t === "away" && !isAway) warn(`the API server does not answer: ${news.message}`);
    isAway = news.t === "away";
    for (const line of linesOf(news, told)) print(line);
    if (news.t === "ended") clearInterval(clock);
    else if (news.t !== "gone-back") show();
  };
  return {
    tell,
    [Symbol.dispose]: () => {
      clearInterval(clock);
      progress[Symbol.dispose]();
    },
  };
}

/** `3 of 6 nodes; cp-1 05-drain 2:10`, as much of it as a line takes. */
function countLine(nodes: ReadonlyMap<string, NodeProgress>, columns: number): string {
  const passed = [...nodes.values()].filter(({ t }) => t === "passed").length;
  const words = [`${passed} of ${nodes.size} nodes`];
  for (const [name, { t, step, sinceMs }] of nodes) {
    const word = t === "moving" && step !== "" ? step : shortWords[t];
    if (word !== "") words.push(`${name} ${word} ${clockText(Date.now() - sinceMs)}`);
  }
  return words.join("; ").slice(0, columns - 1);
}

const shortWords: Readonly<Record<NodeProgress["t"], string>> = {
  waiting: "",
  starting: "given its move",
  moving: "makes its plan",
  settling: "not settled yet",
  soaking: "watched",
  passed: "",
  failed: "",
};

/** `0:09`, `12:30`, `125:00`. The clock of whoever began may have been another's. */
function clockText(ms: number): string {
  const seconds = Math.max(0, Math.trunc(ms / 1_000));
  return `${Math.trunc(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function linesOf(news: ClusterNews, { order, again }: Told): string[] {
  switch (news.t) {
    case "batch":
      return [`batch ${news.batch}: ${news.nodes.join(" ")}`];
    case "node":
      return nodeLines(news, order);
    case "away":
      return [];
    case "gone-back":
      return [`${news.node}  runs ${news.runtime} again: moved once, it went back`];
    case "ended":
      return news.phase === "done"
        ? ["every node of the plan is moved"]
        : [`stopped: nothing more begins; when it is mended: ${again}`];
    default:
      return news satisfies never;
  }
}

function nodeLines({ node, batch, progress }: Extract<RunNews, { t: "node" }>, { plan }: RunOrder): string[] {
  const soakMs = plan.batches.find(({ id }) => id === batch)?.soakMs ?? 0;
  const hint = `  on ${node}: ferry migrate status; journalctl -u ferry-migrate-cluster`;
  return [`${node}  ${longWords(progress, soakMs)}`, ...(progress.t === "failed" ? [hint] : [])];
}

function longWords({ t, step, message }: NodeProgress, soakMs: number): string {
  const texts: Readonly<Record<NodeProgress["t"], string>> = {
    waiting: "waits for another try",
    starting: message === "" ? "is given its move" : `is given its move: ${message}`,
    moving: `moves: ${step === "" ? "makes its plan" : step}`,
    settling: "waits until it is Ready with the new runtime and its DaemonSets",
    soaking: `is Ready, and is watched for ${durationText(soakMs).toLowerCase()}`,
    passed: "has passed",
    failed: `failed at ${step === "" ? "its plan" : step}: ${message}`,
  };
  return texts[t];
}
