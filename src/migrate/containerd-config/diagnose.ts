import { severities, type Finding } from "../assess/finding.ts";
import type { DoctorCheck } from "./checks/check.ts";
import { cniChecks } from "./checks/cni.ts";
import { keyChecks } from "./checks/keys.ts";
import { handlerChecks } from "./checks/handlers.ts";
import { sandboxImageChecks } from "./checks/sandbox-image.ts";
import { startUpChecks } from "./checks/start-up.ts";
import { versionChecks } from "./checks/versions.ts";
import { ConfigView } from "./config-view.ts";
import type { DoctorFacts } from "./doctor-facts.ts";

const checks: readonly DoctorCheck[] = [handlerChecks, versionChecks, sandboxImageChecks, cniChecks];

/** What will go wrong when containerd starts, or a pod of it; worst first. */
export function diagnose(facts: DoctorFacts): Finding[] {
  const view = facts.config === undefined ? undefined : new ConfigView(facts.config);
  // containerd 1 takes nothing of such a file but what stands at its top: its defaults are what there is to judge.
  const isPassedOver = (view?.config.version ?? 0) >= 3 && facts.release?.value[0] === 1;
  const found = [
    ...keyChecks(facts, view),
    ...startUpChecks(facts, view),
    ...checks.flatMap((check) => Array.from(check(facts, isPassedOver ? undefined : view))),
  ];
  return found.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}
