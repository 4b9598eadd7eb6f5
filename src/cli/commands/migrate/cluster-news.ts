import type { RunNews } from "#migrate/cluster-run/run-cluster.ts";
import type { NodeProgress, RunState } from "#migrate/cluster-run/run-state.ts";
import { print, warn } from "../../output.ts";
import { openProgress } from "./read-clusters.ts";

export type NewsFormat = "text" | "json";

/** Tells of a cluster's run: lines on standard output, and on a terminal one more below them that counts. */
export function openNews(format: NewsFormat, state: RunState): Disposable & { tell: (news: RunNews) => void } {
  if (format === "json") {
    return { tell: (news) => print(JSON.stringify({ at: new Date().toISOString(), ...news })), [Symbol.dispose]() {} };
  }
  const progress = openProgress();
  const nodes = new Map(Object.entries(state.nodes));
  let isAway = false;
  const tell = (news: RunNews) => {
    progress[Symbol.dispose]();
    if (news.t === "node") nodes.set(news.node, news.progress);
    if (news.t === "away" && !isAway) warn(`the API server does not answer: ${news.message}`);
    isAway = news.t === "away";
    for (const line of linesOf(news)) print(line);
    if (news.t !== "ended") progress.show(countLine(nodes, Math.max(process.stderr.columns ?? 80, 40)));
  };
  return { tell, [Symbol.dispose]: () => progress[Symbol.dispose]() };
}

/** `3 of 6 nodes; cp-1 moves: 05-drain`, as much of it as a line takes. */
function countLine(nodes: ReadonlyMap<string, NodeProgress>, columns: number): string {
  const passed = [...nodes.values()].filter(({ t }) => t === "passed").length;
  const busy = [...nodes].filter(([, { t }]) => !["waiting", "passed", "failed"].includes(t));
  const words = [`${passed} of ${nodes.size} nodes`, ...busy.map(([name, progress]) => nodeLine(name, progress))];
  return words.join("; ").slice(0, columns - 1);
}

function linesOf(news: RunNews): string[] {
  switch (news.t) {
    case "batch":
      return [`batch ${news.batch}: ${news.nodes.join(" ")}`];
    case "node":
      return nodeLines(news.node, news.progress);
    case "away":
      return [];
    case "ended":
      return news.phase === "done"
        ? ["every node of the plan is moved"]
        : ["stopped: nothing more begins; when it is mended: ferry migrate cluster"];
    default:
      return news satisfies never;
  }
}

function nodeLines(node: string, progress: NodeProgress): string[] {
  const hint = `  on ${node}: ferry migrate status; journalctl -u ferry-migrate-cluster`;
  return [nodeLine(node, progress), ...(progress.t === "failed" ? [hint] : [])];
}

function nodeLine(node: string, { t, step, message }: NodeProgress): string {
  const texts: Readonly<Record<NodeProgress["t"], string>> = {
    waiting: "waits for another try",
    starting: "is given its move",
    moving: `moves: ${step === "" ? "makes its plan" : step}`,
    settling: "waits until it is Ready with the new runtime and its DaemonSets",
    soaking: "is Ready, and is watched",
    passed: "has passed",
    failed: `failed at ${step === "" ? "its plan" : step}: ${message}`,
  };
  return `${node}  ${texts[t]}`;
}
