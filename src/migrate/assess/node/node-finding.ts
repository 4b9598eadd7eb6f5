import type { Source } from "../../host/source.ts";
import type { HostSurvey } from "../../survey/host-survey.ts";
import type { Aim, CheckInfo, NodeCheck } from "../check.ts";
import type { Finding, Fix, Severity } from "../finding.ts";

/** A finding without what every finding of a check has. */
export type NodeFound = {
  /** `kubelet starts with --network-plugin` */
  readonly says: string;
  readonly why: string;
  readonly severity?: Severity;
  readonly evidence: readonly Source[];
  readonly fix: Fix;
};

const maxEvidence = 20;

/** A check of a node that says what it finds; name, node and severity are added here. */
export function nodeCheck(info: CheckInfo, find: (survey: HostSurvey, aim: Aim) => Iterable<NodeFound>): NodeCheck {
  return {
    ...info,
    *find(survey, aim): Generator<Finding> {
      const node = survey.node.node === "" ? "this host" : survey.node.node;
      for (const { says, why, severity, evidence, fix } of find(survey, aim)) {
        yield {
          check: info.id,
          severity: severity ?? info.severity,
          title: `node ${node}: ${says}`,
          why,
          subject: { t: "node", node },
          evidence: evidence.slice(0, maxEvidence),
          fix,
        };
      }
    },
  };
}

/** `text` with a capital letter and a full stop. */
export function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Evidence: a file, and a line of it where one is known. */
export function fileSource(path: string, line?: number, excerpt?: string): Source {
  return {
    t: "file",
    path,
    ...(line === undefined ? {} : { line }),
    ...(excerpt === undefined ? {} : { excerpt: excerpt.trim().slice(0, 200) }),
  };
}
