import type { ClusterFacts } from "../cluster/cluster-facts.ts";
import type { HostSurvey } from "../survey/host-survey.ts";
import type { Finding, Severity } from "./finding.ts";

/** What a check is, for lists and reports. */
export type CheckInfo = {
  /** Stable across releases: `docker-socket-mount`. */
  readonly id: string;
  /** What it looks for: `Pods that mount Docker's socket`. */
  readonly title: string;
  /** Of its worst finding. */
  readonly severity: Severity;
};

/** What the cluster is to become; decides what counts. */
export type Aim = {
  /** Minor of the Kubernetes version that the cluster goes to; undefined stays. */
  readonly targetMinor: number | undefined;
};

/** Pure: the same facts give the same findings, in the same order. */
export type ClusterCheck = CheckInfo & {
  readonly find: (facts: ClusterFacts, aim: Aim) => Iterable<Finding>;
};

/** As {@link ClusterCheck}, of one node's own files. */
export type NodeCheck = CheckInfo & {
  readonly find: (survey: HostSurvey, aim: Aim) => Iterable<Finding>;
};
