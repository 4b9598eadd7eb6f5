import { diagnose } from "../../containerd-config/diagnose.ts";
import type { HostSurvey } from "../../survey/host-survey.ts";
import { nodeCheck, sentence, type NodeFound } from "./node-finding.ts";

const unreadable = ["containerd-config-unreadable", "containerd-cri-disabled"];
/** Told by checks of their own, which look at more than containerd's file. */
const elsewhere = /^(?:cni-|containerd-(?:no-cri|unsupported|pause-|cgroup-driver|systemd-cgroup))/;

/** What containerd's doctor says of this node, of those that `wants` takes. */
export function* doctorFindings({ doctor, node }: HostSurvey, wants: (check: string) => boolean): Generator<NodeFound> {
  const { containerd } = node;
  if (containerd.installed === undefined && doctor.files.length === 0 && doctor.unreadable === undefined) return;
  for (const { check, severity, title, why, evidence, fix } of diagnose(doctor)) {
    if (!wants(check)) continue;
    const says = check.startsWith("containerd-") ? `containerd: ${title}` : title;
    yield { says, why: sentence(why), severity, evidence, fix: { ...fix, summary: sentence(fix.summary) } };
  }
}

export const criPluginDisabled = nodeCheck(
  { id: "cri-plugin-disabled", title: "A containerd without its CRI plugin", severity: "blocker" },
  (survey) => doctorFindings(survey, (check) => unreadable.includes(check)),
);

export const containerdConfig = nodeCheck(
  {
    id: "containerd-config",
    title: "Keys of containerd's configuration that go, are gone, or keep it from starting",
    severity: "blocker",
  },
  (survey) => doctorFindings(survey, (check) => !unreadable.includes(check) && !elsewhere.test(check)),
);

/** The network's file and its plugins, as containerd will look for them. */
export const cniConfig = nodeCheck(
  { id: "cni-config", title: "CNI configuration that the new runtime cannot use", severity: "blocker" },
  function* (survey) {
    if (survey.node.kubelet.unit === undefined) return;
    for (const { check, severity, title, why, evidence, fix } of diagnose(survey.doctor)) {
      if (!check.startsWith("cni-") || check === "cni-other-directory") continue;
      // Docker's kubelet may have needed none; the new runtime does.
      const worst = check === "cni-empty" ? "blocker" : severity;
      yield {
        says: title,
        why: sentence(why),
        severity: worst,
        evidence,
        fix: { ...fix, summary: sentence(fix.summary) },
      };
    }
  },
);
