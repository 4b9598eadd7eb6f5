import { spawn } from "node:child_process";
import { isKind } from "#base/errors.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "#migrate/call.ts";
import { handOverScript, jobManifest, type HandOver } from "#migrate/cluster-run/hand-over.ts";
import { jobsPath } from "#migrate/cluster-run/observe-job.ts";
import { CliError } from "../../cli-error.ts";
import type { Flags } from "../../flags.ts";

/** How nodes are given their move: by Jobs of `--image`, or by `--runner`. @throws CliError when neither is named */
export function openHandOver(
  client: KubernetesClient,
  flags: Flags,
  namespace: string,
): (call: Call, turn: HandOver) => Promise<void> {
  const [image, runner] = [flags.text("image"), flags.text("runner")];
  if (runner !== undefined) return runnerOf(runner);
  if (image === undefined) throw new CliError("--image or --runner is needed", { next: "--image busybox:1.36" });
  return async (call: Call, turn: HandOver) => {
    const job = jobManifest(turn, { image, namespace });
    await client.create(call, jobsPath(namespace), job).catch((error: unknown) => {
      if (!isKind(error, "conflict")) throw error;
    });
  };
}

/** There is no Job to see that a node was asked: remembered here, and once more by whoever goes on. */
function runnerOf(runner: string): (call: Call, turn: HandOver) => Promise<void> {
  const asked = new Set<string>();
  return async (call, turn) => {
    const key = `${turn.node}/${turn.attempt}`;
    if (asked.has(key)) return;
    asked.add(key);
    await runOnNode(call, runner, turn);
  };
}

/** Runs the hand-over through `runner`. A failure is told by the node's silence: the unit may run all the same. */
async function runOnNode(call: Call, runner: string, turn: HandOver): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn("/bin/sh", ["-c", runner], {
    signal: call.signal,
    env: { ...process.env, FERRY_NODE: turn.node },
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.on("error", reject).on("close", () => resolve());
  child.stdin.on("error", () => {});
  child.stdin.end(handOverScript(turn));
  await promise;
}
