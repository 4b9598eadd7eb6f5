import { writeFileAtomic } from "#base/atomic-file.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { formatPlan } from "#migrate/plan/parse-plan.ts";
import type { PlanOutcome } from "#migrate/plan/plan-node.ts";
import { renderPlan } from "#migrate/plan/render-plan.ts";
import { parseTarget } from "#migrate/plan/runtime-target.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print } from "../../output.ts";
import { makeNodePlan } from "./make-node-plan.ts";
import { readTexts } from "./read-texts.ts";

export const migratePlan: Command = {
  usage: "[OPTIONS]",
  summary: "Plan the move of a node, or of many, away from Docker; nothing is done",
  flags: `
    --all                         The order of all nodes of the cluster that run Docker, in batches
    --batch-size string           Of --all: nodes at a time, or a share of a zone's (default 10%)
    --brief                       Titles and reasons only, without commands and diffs
    --canary list                 Of --all: the node to move first; left out: one is chosen
    --containerd-version string   Containerd to configure for, as 1.7 or 2.1.4; left out: the installed one
    --context string              Of --all: context of the kubeconfig
    --delete-emptydir-data        Drain evicts pods with emptyDir volumes too, whose data is lost
    --drain-timeout string        How long the drain may take (default 15m)
-f, --filename list               Of --all: read manifests below a directory instead of a cluster
    --force                       Drain takes bare pods too, which nothing brings back
    --format string               text (default) or json, the plan itself
    --images string               carry (default): out of the stopped Docker; none: pull them again
    --kubeconfig string           Of --all: kubeconfig file (KUBECONFIG, ~/.kube/config, in a pod its service account)
    --kubelet-version string      As 1.23.17, for a copied root that does not say
    --no-drain                    Pods are killed where they are
    --node-timeout string         How long the node may take to be Ready, then its pod (default 5m; twice for an API server's)
    --node string                 The node's name in the cluster; left out: as the host says
    --nodes list                  As --all, for these nodes only
    --out string                  Write the plan to this file, for ferry migrate apply
    --root string                 Root of the host, or of a copy of it (default /)
    --smoke-image string          Image of the pod that proves the node (default: a small one that is there); empty: none
    --soak string                 Of --all: wait between batches (default 2m, 30m behind the canary)
    --target string               ferry (default), containerd or cri-dockerd
`,
  args: { min: 0, max: 0 },
  example:
    "ferry migrate plan --target containerd\nferry migrate plan --root /mnt/node7 --target ferry --out node7.json\nferry migrate plan --all --batch-size 2 --out order.json",
  run: async (session, { flags }) => {
    const format = chooseFormat(session.format(flags), ["text", "json"]);
    const target = flags.parsed("target", parseTarget) ?? "ferry";
    if (flags.bool("all") || flags.has("nodes")) {
      const { planManyNodes } = await import("./plan-cluster.ts");
      return await planManyNodes(flags, { target, format });
    }
    const root = await HostRoot.open(flags.text("root") ?? "/");
    const outcome = await makeNodePlan(flags, root, target);
    await writeOut(outcome, flags.text("out"));
    if (format === "json") printJson(outcome);
    else await printText(outcome, root, flags);
    return 0;
  },
};

/** The plan may hold what Docker's configuration held, passwords of proxies among it: for its owner only. */
async function writeOut(outcome: PlanOutcome, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  if (outcome.t !== "plan") throw new CliError("no plan to write: a managed node is replaced, not changed");
  await writeFileAtomic(path, formatPlan(outcome.plan), { mode: 0o600 });
}

function printJson(outcome: PlanOutcome): void {
  print(outcome.t === "plan" ? formatPlan(outcome.plan).trimEnd() : JSON.stringify(outcome, undefined, 2));
}

async function printText(outcome: PlanOutcome, root: HostRoot, flags: Flags): Promise<void> {
  if (outcome.t === "managed") {
    print(`node ${outcome.node} belongs to a managed pool (${outcome.provider}): replace it, do not change it\n`);
    for (const command of outcome.commands) print(`  ${command}`);
    for (const note of outcome.notes) print(`\n  ! ${note}`);
    return;
  }
  const { plan } = outcome;
  const texts = await readTexts(root, plan);
  for (const line of renderPlan(plan, { textOf: (path) => texts.get(path), brief: flags.bool("brief") })) print(line);
  const out = flags.text("out");
  if (plan.steps.length === 0) return;
  print(
    out === undefined ? "\nTo keep it: --out plan.json" : `\nwrote ${out}; next: ferry migrate apply --plan ${out}`,
  );
}
