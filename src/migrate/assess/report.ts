import type { ClusterFacts, Missing } from "../cluster/cluster-facts.ts";
import type { Aim, CheckInfo } from "./check.ts";
import { clusterChecks } from "./cluster-checks.ts";
import { severities, type Finding, type Severity } from "./finding.ts";
import { mergeFindings } from "./merge-findings.ts";

/** What `ferry migrate assess` found; its JSON is described by docs/schemas/assess-report.schema.json. */
export type Report = {
  readonly version: 1;
  readonly tool: { readonly name: "ferry"; readonly version: string };
  /** RFC 3339. */
  readonly madeAt: string;
  readonly cluster: ReportCluster | null;
  /** Directories whose manifests were read. */
  readonly manifests: readonly string[];
  readonly summary: Readonly<Record<Severity, number>>;
  readonly findings: readonly Finding[];
  readonly nodes: readonly ReportNode[];
  /** All that looked, found something or not. */
  readonly checks: readonly (CheckInfo & { readonly findings: number })[];
  /** What could not be read; the report is whole when all of it is optional. */
  readonly missing: readonly Missing[];
};

export type ReportCluster = {
  readonly server: string;
  readonly context: string;
  readonly version: string;
  readonly nodes: number;
  readonly workloads: number;
  readonly pods: number;
};

export type ReportNode = {
  readonly name: string;
  readonly kubelet: string;
  readonly runtime: string;
  readonly summary: Readonly<Record<Severity, number>>;
};

export type ReportInput = {
  readonly clusters: readonly ClusterFacts[];
  readonly aim: Aim;
  readonly toolVersion: string;
  readonly madeAt: string;
};

/** Runs every check over the facts. */
export function makeReport({ clusters, aim, toolVersion, madeAt }: ReportInput): Report {
  const found = clusters.flatMap((facts) => clusterChecks.flatMap((check) => [...check.find(facts, aim)]));
  const findings = mergeFindings(found);
  const live = clusters.find(({ origin }) => origin.server !== undefined);
  return {
    version: 1,
    tool: { name: "ferry", version: toolVersion },
    madeAt,
    cluster: live === undefined ? null : clusterOf(live),
    manifests: clusters.flatMap(({ origin }) => origin.directories),
    summary: summaryOf(findings),
    findings,
    nodes: clusters.flatMap((facts) => nodesOf(facts, findings)),
    checks: clusterChecks.map(({ id, title, severity }) => ({
      id,
      title,
      severity,
      findings: findings.filter(({ check }) => check === id).length,
    })),
    missing: clusters.flatMap(({ missing }) => missing),
  };
}

export function summaryOf(findings: readonly Finding[]): Record<Severity, number> {
  const summary = { blocker: 0, high: 0, medium: 0, low: 0 };
  for (const { severity } of findings) summary[severity]++;
  return summary;
}

/** Whether any finding is as bad as `threshold`, or worse. */
export function reaches({ summary }: Pick<Report, "summary">, threshold: Severity): boolean {
  return severities.slice(0, severities.indexOf(threshold) + 1).some((severity) => summary[severity] > 0);
}

function clusterOf({ origin, nodes, workloads, podCount }: ClusterFacts): ReportCluster {
  return {
    server: origin.server ?? "",
    context: origin.context ?? "",
    version: origin.version ?? "",
    nodes: nodes.length,
    workloads: workloads.length,
    pods: podCount,
  };
}

/** A node counts what is about itself and what runs on it. */
function nodesOf({ nodes }: ClusterFacts, findings: readonly Finding[]): ReportNode[] {
  const byNode = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { subject } = finding;
    const own = subject.t === "node" ? [subject.node] : (finding.nodes ?? []);
    for (const node of own) byNode.set(node, [...(byNode.get(node) ?? []), finding]);
  }
  return nodes.map(({ name, kubelet, runtime }) => ({
    name,
    kubelet,
    runtime,
    summary: summaryOf(byNode.get(name) ?? []),
  }));
}
