import { writeFileAtomic } from "#base/atomic-file.ts";
import { clusterNodesOf } from "#migrate/plan/cluster/cluster-nodes.ts";
import { formatClusterPlan } from "#migrate/plan/cluster/cluster-plan.ts";
import type { OrderOptions } from "#migrate/plan/cluster/order-nodes.ts";
import { planCluster } from "#migrate/plan/cluster/plan-cluster.ts";
import { renderClusterPlan } from "#migrate/plan/cluster/render-cluster-plan.ts";
import type { Target } from "#migrate/plan/step.ts";
import { CliError } from "../../cli-error.ts";
import type { Flags } from "../../flags.ts";
import { print } from "../../output.ts";
import { parseDurationMs } from "#base/go-duration.ts";
import { shellWord } from "#base/shell-word.ts";
import { onInterrupt, readClusters } from "./read-clusters.ts";

/** `ferry migrate plan --all` and `--nodes`: the order of many nodes. */
export async function planManyNodes(flags: Flags, choice: { target: Target; format: string }): Promise<number> {
  using interrupt = onInterrupt();
  const [facts, ...more] = await readClusters(interrupt, flags, { askKubelets: false });
  if (facts === undefined || more.length > 0) throw new CliError("one cluster is planned at a time: one -f directory");
  const plan = planCluster({
    ...clusterNodesOf(facts),
    cluster: facts.origin.context ?? facts.origin.server ?? facts.origin.directories.join(", "),
    target: choice.target,
    only: namesOf(flags, "nodes"),
    order: orderOf(flags),
    madeAt: new Date().toISOString(),
  });
  const out = flags.text("out");
  if (out !== undefined) await writeFileAtomic(out, formatClusterPlan(plan), { mode: 0o600 });
  if (choice.format === "json") print(formatClusterPlan(plan).trimEnd());
  else {
    for (const line of renderClusterPlan(plan)) print(line);
    if (plan.batches.length === 0) return 0;
    print(
      out === undefined
        ? "\nTo keep it: --out order.json"
        : `\nwrote ${out}; next: ferry migrate cluster --image busybox:1.36 ${shellWord(out)}`,
    );
  }
  return 0;
}

function orderOf(flags: Flags): OrderOptions {
  const soakMs = flags.parsed("soak", parseDurationMs);
  return {
    batchSize: flags.parsed("batch-size", parseBatchSize) ?? { percent: 10 },
    canaries: namesOf(flags, "canary"),
    soakMs: soakMs ?? 2 * 60_000,
    canarySoakMs: soakMs ?? 30 * 60_000,
  };
}

/** `3` nodes, or `10%` of a zone's. */
function parseBatchSize(text: string): OrderOptions["batchSize"] {
  const match = /^(\d+)(%?)$/.exec(text);
  const value = Number(match?.[1] ?? 0);
  if (value < 1 || (match?.[2] === "%" && value > 100)) throw new Error("a number of nodes, or a share like 10%");
  return match?.[2] === "%" ? { percent: value } : { count: value };
}

/** Given several times, or with commas. */
function namesOf(flags: Flags, name: string): string[] {
  return flags
    .list(name)
    .flatMap((text) => text.split(","))
    .filter((text) => text !== "");
}
