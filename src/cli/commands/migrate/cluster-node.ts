import { messageOf, EngineError } from "#base/errors.ts";
import { applyPlan } from "#migrate/apply/apply-plan.ts";
import { advance, emptyState } from "#migrate/apply/journal-state.ts";
import { readState } from "#migrate/apply/migration-run.ts";
import { rollBack } from "#migrate/apply/roll-back.ts";
import type { Call } from "#migrate/call.ts";
import { NodeReporter } from "#migrate/cluster-run/node-reporter.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { formatPlan } from "#migrate/plan/parse-plan.ts";
import { parseTarget } from "#migrate/plan/runtime-target.ts";
import type { Target } from "#migrate/plan/step.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { warn } from "../../output.ts";
import { makeNodePlan } from "./make-node-plan.ts";
import { defaultState, nodeFlags, openCall, openMachine, openNodeRun } from "./node-run.ts";

/** Flags of a node's plan that `ferry migrate cluster` passes on to each node. */
export const passedFlags = `
    --containerd-version string   Containerd to configure for, as 1.7 or 2.1.4; left out: the installed one
    --delete-emptydir-data        Drain evicts pods with emptyDir volumes too, whose data is lost
    --drain-timeout string        How long the drain may take (default 15m)
    --force                       Drain takes bare pods too, which nothing brings back
    --images string               carry (default): out of the stopped Docker; none: pull them again
    --no-drain                    Pods are killed where they are
    --node-timeout string         How long the node may take to be Ready, then its pod (default 5m; twice for an API server's)
    --no-rollback                 When a step fails, leave the node as it is then
    --smoke-image string          Image of the pod that proves the node (default: a small one that is there); empty: none
`;

export const migrateClusterNode: Command = {
  usage: "--run ID --node NAME [OPTIONS]",
  summary: "What ferry migrate cluster runs on each node: plan, apply, and report in the Node's annotation",
  flags: `
    --attempt string              Which try of the run this is (default 1)
    --node string                 The node's name in the cluster
    --run string                  The run that this belongs to
    --target string               ferry (default), containerd or cri-dockerd
${nodeFlags.slice(1)}${passedFlags.slice(1)}`,
  args: { min: 0, max: 0 },
  example: "ferry migrate cluster-node --run 7f3a --node worker-7 --target containerd",
  run: async (_session, { flags }) => {
    const [run, node, attempt] = [flags.text("run"), flags.text("node"), flags.int("attempt") ?? 1];
    if (run === undefined || node === undefined) throw new CliError("--run and --node are needed");
    using call = openCall();
    using machine = openMachine(flags);
    await using reporter = new NodeReporter(machine.kubernetes, node, { run, attempt });
    reporter.report("moving");
    let step = "";
    try {
      const onStep = (begun: string) => reporter.report("moving", { step: (step = begun) });
      await moveNode(call, flags, onStep);
    } catch (error) {
      warn(messageOf(error));
      // One that was only stopped goes on with the next call: its journal says where.
      reporter.report("failed", { step, message: messageOf(error) });
      return 1;
    }
    reporter.report("moved");
    return 0;
  },
};

/** Goes on with the migration that is under way on this node, or begins one with a plan made now. */
async function moveNode(call: Call, flags: Flags, onStep: (step: string) => void): Promise<void> {
  const target = flags.parsed("target", parseTarget) ?? "ferry";
  const directory = flags.text("state") ?? defaultState;
  for (;;) {
    const records = await readState(directory);
    const { phase } = records.reduce(advance, emptyState);
    const isNew = records.length === 0 || phase === "back" || phase === "purged";
    await using run = await openNodeRun(flags, isNew ? await planText(flags, target) : undefined, (record) => {
      if (record.t === "begun") onStep(record.step);
    });
    if (run.journal.state.phase === "going-back") {
      await rollBack(call, run, "as it was begun");
      continue;
    }
    if (run.plan.target !== target) {
      throw new EngineError(
        "failedPrecondition",
        `node ${run.plan.node}: its migration goes to ${run.plan.target}: roll that back, or purge`,
      );
    }
    await applyPlan(call, run, { keepOnFailure: flags.bool("no-rollback") });
    return;
  }
}

async function planText(flags: Flags, target: Target): Promise<string> {
  const outcome = await makeNodePlan(flags, await HostRoot.open("/"), target);
  if (outcome.t === "plan") return formatPlan(outcome.plan);
  throw new EngineError("failedPrecondition", `node ${outcome.node}: belongs to a managed pool: replaced, not changed`);
}
