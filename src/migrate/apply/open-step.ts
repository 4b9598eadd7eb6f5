import { join } from "node:path";
import type { Step } from "../plan/step.ts";
import type { Machine, StepContext, StepRun } from "./step-run.ts";
import { annotateNode } from "./steps/annotate-node.ts";
import { carryImages } from "./steps/carry-images.ts";
import { cordon } from "./steps/cordon.ts";
import { drain } from "./steps/drain.ts";
import { installPackages } from "./steps/install-packages.ts";
import { loadModules } from "./steps/load-modules.ts";
import { preflight } from "./steps/preflight.ts";
import { purge } from "./steps/purge.ts";
import { removePods } from "./steps/remove-pods.ts";
import { setSysctls } from "./steps/set-sysctls.ts";
import { setUnits } from "./steps/set-units.ts";
import { shareImages } from "./steps/share-images.ts";
import { smokePod } from "./steps/smoke-pod.ts";
import { snapshot } from "./steps/snapshot.ts";
import { sweepResidue } from "./steps/sweep-residue.ts";
import { waitForNode } from "./steps/wait-for-node.ts";
import { waitForRuntime } from "./steps/wait-for-runtime.ts";
import { writeFiles } from "./steps/write-files.ts";

/** The executor of a step: one file of `steps/` for each kind. */
export function openStep(
  machine: Machine,
  step: Step,
  where: { readonly directory: string; readonly tell: (text: string) => void },
): StepRun {
  const context: StepContext = { ...machine, tell: where.tell, undoDirectory: join(where.directory, "undo", step.id) };
  switch (step.kind) {
    case "preflight":
      return preflight(context, step);
    case "snapshot":
      return snapshot(context, step);
    case "install-packages":
      return installPackages(context, step);
    case "write-files":
      return writeFiles(context, step);
    case "load-modules":
      return loadModules(context, step);
    case "set-sysctls":
      return setSysctls(context, step);
    case "set-units":
      return setUnits(context, step);
    case "sweep-residue":
      return sweepResidue(context, step);
    case "purge":
      return purge(context, step);
    case "cordon":
    case "uncordon":
      return cordon(context, step);
    case "drain":
      return drain(context, step);
    case "remove-pods":
      return removePods(context, step);
    case "wait-for-runtime":
      return waitForRuntime(context, step);
    case "annotate-node":
      return annotateNode(context, step);
    case "wait-for-node":
      return waitForNode(context, step);
    case "smoke-pod":
      return smokePod(context, step);
    case "carry-images":
      return carryImages(context, step);
    case "share-images":
      return shareImages(context, step);
    default:
      return step satisfies never;
  }
}
