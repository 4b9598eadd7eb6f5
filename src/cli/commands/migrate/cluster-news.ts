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
  const states = new Map(Object.entries(state.nodes).map(([name, { t }]) => [name, t]));
  let isAway = false;
  const tell = (news: RunNews) => {
    progress[Symbol.dispose]();
    if (news.t === "node") states.set(news.node, news.progress.t);
    if (news.t === "away" && !isAway) warn(`the API server does not answer: ${news.message}`);
    isAway = news.t === "away";
    for (const line of linesOf(news)) print(line);
    const passed = [...states.values()].filter((state) => state === "passed").length;
    progress.show(`${passed} of ${states.size} nodes`);
  };
  return { tell, [Symbol.dispose]: () => progress[Symbol.dispose]() };
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

function nodeLines(node: string, { t, step, message }: NodeProgress): string[] {
  const texts: Readonly<Record<NodeProgress["t"], string>> = {
    waiting: "waits for another try",
    starting: "is given its move",
    moving: `moves: ${step === "" ? "makes its plan" : step}`,
    settling: "waits until it is Ready with the new runtime and its DaemonSets",
    soaking: "is Ready, and is watched",
    passed: "has passed",
    failed: `failed at ${step === "" ? "its plan" : step}: ${message}`,
  };
  const more = t === "failed" ? [`  on ${node}: ferry migrate status; journalctl -u ferry-migrate-cluster`] : [];
  return [`${node}  ${texts[t]}`, ...more];
}
