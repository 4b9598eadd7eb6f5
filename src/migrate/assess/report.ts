import type { ClusterFacts, Missing } from "../cluster/cluster-facts.ts";
import type { HostSurvey } from "../survey/host-survey.ts";
import { runtimeVersion } from "../host/read-runtime.ts";
import { formatKubernetesVersion } from "../host/kubernetes-version.ts";
import type { Aim, CheckInfo } from "./check.ts";
import { clusterChecks } from "./cluster-checks.ts";
import { severities, type Finding, type Severity } from "./finding.ts";
import { mergeFindings } from "./merge-findings.ts";
import { nodeChecks } from "./node-checks.ts";

/** What `ferry migrate assess` found; its JSON is described by docs/schemas/assess-report.schema.json. */
export type Report = {
  readonly version: 1;
  readonly tool: { readonly name: "ferry"; readonly version: string };
  /** RFC 3339. */
  readonly madeAt: string;
  readonly cluster: ReportCluster | null;
  /** Directories whose manifests were read. */
  readonly manifests: readonly string[];
  /** The host, or the copy of one, that was read. */
  readonly host: { readonly root: string; readonly node: string } | null;
  readonly summary: Readonly<Record<Severity, number>>;
  /** From worst to least. */
  readonly findings: readonly Finding[];
  readonly nodes: readonly ReportNode[];
  /** All that looked, found something or not. */
  readonly checks: readonly ReportCheck[];
  /** What could not be read; the report is whole when all of it is optional. */
  readonly missing: readonly Missing[];
};

export type ReportCheck = CheckInfo & { readonly scope: "cluster" | "node"; readonly findings: number };

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
  /** Of findings about it, and about what runs on it. */
  readonly summary: Readonly<Record<Severity, number>>;
};

export type ReportInput = {
  readonly clusters: readonly ClusterFacts[];
  readonly host: HostSurvey | undefined;
  readonly aim: Aim;
  readonly toolVersion: string;
  readonly madeAt: string;
};

/** Runs every check over the facts. */
export function makeReport({ clusters, host, aim, toolVersion, madeAt }: ReportInput): Report {
  const findings = mergeFindings([
    ...clusters.flatMap((facts) => clusterChecks.flatMap((check) => [...check.find(facts, aim)])),
    ...(host === undefined ? [] : nodeChecks.flatMap((check) => [...check.find(host, aim)])),
  ]);
  const live = clusters.find(({ origin }) => origin.server !== undefined);
  return {
    version: 1,
    tool: { name: "ferry", version: toolVersion },
    madeAt,
    cluster: live === undefined ? null : clusterOf(live),
    manifests: clusters.flatMap(({ origin }) => origin.directories),
    host: host === undefined ? null : { root: host.directory, node: host.node.node },
    summary: summaryOf(findings),
    findings,
    nodes: nodesOf(clusters, host, findings),
    checks: [
      ...(clusters.length === 0 ? [] : clusterChecks.map((check) => checkOf(check, "cluster", findings))),
      ...(host === undefined ? [] : nodeChecks.map((check) => checkOf(check, "node", findings))),
    ],
    missing: [...clusters.flatMap(({ missing }) => missing), ...(host?.missing ?? [])],
  };
}

function summaryOf(findings: readonly Finding[]): Record<Severity, number> {
  const summary = { blocker: 0, high: 0, medium: 0, low: 0 };
  for (const { severity } of findings) summary[severity]++;
  return summary;
}

/** Whether any finding is as bad as `threshold`, or worse. */
export function reaches({ summary }: Pick<Report, "summary">, threshold: Severity): boolean {
  return severities.slice(0, severities.indexOf(threshold) + 1).some((severity) => summary[severity] > 0);
}

function checkOf(
  { id, title, severity }: CheckInfo,
  scope: ReportCheck["scope"],
  findings: readonly Finding[],
): ReportCheck {
  return { id, title, severity, scope, findings: findings.filter(({ check }) => check === id).length };
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

function nodesOf(
  clusters: readonly ClusterFacts[],
  host: HostSurvey | undefined,
  findings: readonly Finding[],
): ReportNode[] {
  const byNode = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { subject } = finding;
    const names = subject.t === "node" ? [subject.node] : (finding.nodes ?? []);
    for (const name of names) {
      const list = byNode.get(name);
      if (list === undefined) byNode.set(name, [finding]);
      else list.push(finding);
    }
  }
  const known = clusters.flatMap(({ nodes }) =>
    nodes.map(({ name, kubelet, runtime }) => ({ name, kubelet, runtime })),
  );
  const own = host === undefined || known.some(({ name }) => name === host.node.node) ? [] : [hostNode(host)];
  return [...known, ...own].map((node) => Object.assign(node, { summary: summaryOf(byNode.get(node.name) ?? []) }));
}

/** As far as its files tell. */
function hostNode({ node }: HostSurvey): Omit<ReportNode, "summary"> {
  const { kubelet, docker, containerd } = node;
  const runtime = docker?.version === undefined ? runtimeVersion(containerd) : docker.version.value;
  const kind = docker === undefined ? "containerd" : "docker";
  return {
    name: node.node === "" ? "this host" : node.node,
    kubelet: kubelet.version === undefined ? "" : `v${formatKubernetesVersion(kubelet.version.value)}`,
    runtime: runtime === undefined ? "" : `${kind}://${runtime}`,
  };
}
