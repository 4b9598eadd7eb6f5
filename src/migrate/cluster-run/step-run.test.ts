import test from "node:test";
import { playScript } from "#test/support/trace-script.ts";
import type { NodeProgress } from "./run-state.ts";
import { newRun, nodesToWatch, stepRun, type JobSight, type RunEvent, type RunRules } from "./step-run.ts";

/** Lines: `batches a b|c`, `time +5s`, `watched`, `retry`, `cleaned`, `gone a`, and `NODE WORD…` for what is seen of it. */
test("order, gates, failures and resuming, by script", async () => {
  await playScript("cluster-run.txt", () => {
    let rules = rulesOf([]);
    let state = newRun("r1", []);
    let atMs = 0;
    const feed = (event: RunEvent) => {
      const before = state;
      const { state: after, effects } = stepRun(rules, before, event);
      state = after;
      const lines = Object.entries(after.nodes).flatMap(([name, node]) =>
        node === before.nodes[name] ? [] : [`${name} ${textOf(node)}`],
      );
      if (after.batch !== before.batch)
        lines.push(`batch ${after.batch}, watching ${nodesToWatch(rules, after).join(" ")}`);
      if (after.phase !== before.phase) lines.push(after.phase);
      return [...lines, ...effects.map((effect) => `> ${Object.values(effect).join(" ")}`)];
    };
    const play = (words: readonly string[]): string[] => {
      const [first = "", ...rest] = words;
      if (first === "batches") {
        rules = rulesOf(rest.join(" ").split("|"));
        state = newRun("r1", rules.batches);
        return [`${state.phase}, watching ${nodesToWatch(rules, state).join(" ")}`];
      }
      if (first === "time") {
        atMs += Number(rest[0]) * 1000;
        return [];
      }
      if (first === "watched" || first === "retry") return feed({ t: first, atMs });
      if (first === "cleaned") return feed({ t: "cleaned" });
      if (first === "gone") return feed({ t: "gone", node: rest[0] ?? "", atMs });
      return feed(seenOf(first, rest, atMs));
    };
    return { play };
  });
});

function rulesOf(batches: readonly string[]): RunRules {
  return {
    batches: batches.map((names) => ({ nodes: names.split(" "), soakMs: 10_000 })),
    runtimePrefix: "containerd://",
    handOverMs: 60_000,
    silenceMs: 600_000,
    gateMs: 120_000,
  };
}

function textOf({ t, attempt, daemonSets, step, message }: NodeProgress): string {
  const words = [t, attempt === 1 ? "" : `attempt=${attempt}`, daemonSets.join(","), step, message];
  return words.filter((word) => word !== "").join(" ");
}

/** `job`, `job-failed`, and behind a colon what its pod says. */
function jobOf(words: readonly string[]): JobSight {
  const [word, why = ""] = words.find((one) => one.startsWith("job"))?.split(":") ?? [];
  return { t: word === undefined ? "absent" : word === "job" ? "active" : "failed", why };
}

/** `a new` runs the new runtime, `a down` is not Ready; `job`, `job-failed`; `moving:STEP`, `moved`, `failed:STEP`; `no-net`. */
function seenOf(node: string, words: readonly string[], atMs: number): RunEvent {
  const has = (word: string) => words.includes(word);
  const attempt = Number(words.find((word) => word.startsWith("attempt="))?.slice(8) ?? 1);
  const said = words.find((word) => /^(moving|moved|failed)/.test(word))?.split(":");
  const state = said?.[0] === "moving" || said?.[0] === "failed" ? said[0] : "moved";
  const message = state === "failed" ? "it broke" : "";
  const run = has("other-run") ? "r0" : "r1";
  return {
    t: "seen",
    node,
    atMs,
    sight: {
      isReady: !has("down"),
      runtime: has("new") ? "containerd://1.7.28" : "docker://20.10.24",
      report: said === undefined ? undefined : { run, attempt, state, step: said[1] ?? "", message },
      job: jobOf(words),
      daemonSets: has("no-net") ? {} : { "kube-system/net": !has("net-starts") },
    },
  };
}
