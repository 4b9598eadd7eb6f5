import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDurationMs } from "#base/go-duration.ts";
import type { HostRoot } from "#migrate/host/host-root.ts";
import { parseKubernetesVersion } from "#migrate/host/kubernetes-version.ts";
import { openRunningHost } from "#migrate/host/open-running-host.ts";
import { defaultPlanOptions, type PlanOptions } from "#migrate/plan/plan-input.ts";
import { planNode, type PlanOutcome } from "#migrate/plan/plan-node.ts";
import { readPlanInput } from "#migrate/plan/read-plan-input.ts";
import type { Target } from "#migrate/plan/step.ts";
import { CliError } from "../../cli-error.ts";
import type { Flags } from "../../flags.ts";

/** Plans the move of the node whose files lie below `root`, by the flags of `ferry migrate plan`. */
export async function makeNodePlan(flags: Flags, root: HostRoot, target: Target): Promise<PlanOutcome> {
  const input = await readPlanInput(root, openRunningHost(root), {
    target,
    options: optionsOf(flags),
    containerdVersion: flags.text("containerd-version"),
    kubeletVersion: flags.parsed("kubelet-version", parseKubernetesVersion),
    nodeName: flags.text("node"),
    ferryUnit: ferryUnit(),
    madeAt: new Date().toISOString(),
  });
  return planNode(input);
}

/** Flags that say how a node is moved. */
function optionsOf(flags: Flags): PlanOptions {
  const images = flags.text("images") ?? defaultPlanOptions.images;
  if (images !== "carry" && images !== "none") throw new CliError(`unknown --images ${images}: carry or none`);
  const smokeImage = flags.text("smoke-image");
  return {
    images,
    nodeTimeoutMs: flags.parsed("node-timeout", parseDurationMs) ?? defaultPlanOptions.nodeTimeoutMs,
    smokeImage: smokeImage === "" ? null : smokeImage,
    drain: flags.bool("no-drain")
      ? null
      : {
          gracePeriodSeconds: null,
          timeoutMs: flags.parsed("drain-timeout", parseDurationMs) ?? 15 * 60_000,
          deleteEmptyDirData: flags.bool("delete-emptydir-data"),
          force: flags.bool("force"),
        },
  };
}

/** The package's own unit, naming this package's program; its root is three names above. */
function ferryUnit(): string {
  const packageRoot = join(process.argv[1] ?? "", "../../..");
  const text = readFileSync(join(packageRoot, "packaging/ferryd.service"), "utf8");
  return text.replace(/^ExecStart=ferryd/m, `ExecStart=${join(packageRoot, "bin/ferryd")}`);
}
