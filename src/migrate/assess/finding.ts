import type { Source } from "../host/source.ts";

/**
 * From worst to least: `blocker` the migration fails or loses data; `high` a workload stops working; `medium` something is
 * degraded, monitoring mostly; `low` to be tidied.
 */
export const severities = ["blocker", "high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

/** What a finding is about. */
export type Subject =
  | { readonly t: "cluster" }
  | { readonly t: "node"; readonly node: string }
  | {
      readonly t: "object";
      readonly kind: string;
      readonly namespace?: string;
      readonly name: string;
      readonly node?: string;
    }
  | { readonly t: "file"; readonly path: string };

/** The way out: what to do, and the text to paste where there is one. */
export type Fix = {
  /** One sentence, imperative. */
  readonly summary: string;
  /** Commands to run, one a line, complete. */
  readonly commands?: readonly string[];
  /** A change to a file or manifest, as unified diff or as the new fragment. */
  readonly patch?: string;
  /** Pages to read. */
  readonly links?: readonly string[];
};

/** One thing that depends on Docker, or that would go wrong when Docker goes. */
export type Finding = {
  /** Name of the check that found it, stable across releases: `docker-socket-mount`. */
  readonly check: string;
  readonly severity: Severity;
  /** One line, object first, lower case: `daemonset kube-system/fluentd: mounts /var/run/docker.sock`. */
  readonly title: string;
  /** Why it matters: what would be seen after the move. */
  readonly why: string;
  readonly subject: Subject;
  /** Where it shows, when the subject is not one node itself: the nodes that its pods run on. Sorted. */
  readonly nodes?: readonly string[];
  /** At least one. */
  readonly evidence: readonly Source[];
  readonly fix: Fix;
};
