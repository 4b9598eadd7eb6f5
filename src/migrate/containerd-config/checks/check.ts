import type { Finding, Fix, Severity } from "../../assess/finding.ts";
import type { Source } from "../../host/source.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";

/** Pure: the same facts give the same findings. `view` is undefined where there is no file. */
export type DoctorCheck = (facts: DoctorFacts, view: ConfigView | undefined) => Iterable<Finding>;

type Told = {
  readonly check: string;
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly at: readonly (Source | undefined)[];
  readonly fix: Fix;
};

/** A finding about a file, with the places that say so. */
export function finding(path: string, { check, severity, title, why, at, fix }: Told): Finding {
  const evidence = at.filter((source) => source !== undefined);
  const places: readonly Source[] = evidence.length > 0 ? evidence : [{ t: "file", path }];
  return { check, severity, title, why, subject: { t: "file", path }, evidence: places, fix };
}

/** Whether the containerd is of this line or later; false where it is not known. */
export function isSince({ release }: DoctorFacts, major: number, minor: number): boolean {
  if (release === undefined) return false;
  const [ownMajor, ownMinor] = release.value;
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Of line 1; false where it is not known. */
export function isFirst({ release }: DoctorFacts): boolean {
  return release !== undefined && release.value[0] === 1;
}

/** How containerd ends the sentence: the CRI plugin does not load, and a kubelet finds no runtime. */
export function pluginError(facts: DoctorFacts, text: string): string {
  const prefix =
    isSince(facts, 2, 0) && /mirrors|stream idle|image pull progress/.test(text)
      ? "invalid cri image config"
      : "invalid plugin config";
  return `the CRI plugin does not load: ${prefix}: ${text}`;
}
