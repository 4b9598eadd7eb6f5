import type { ObjectRef, Workload } from "../cluster/cluster-facts.ts";
import { sourceAt } from "../cluster/place.ts";
import type { Source } from "../host/source.ts";
import type { CheckInfo } from "./check.ts";
import type { Finding, Fix, Severity, Subject } from "./finding.ts";

export type Found = {
  /** Where in the pod's spec, and what stands there. */
  readonly at: readonly { readonly path: string; readonly excerpt: string }[];
  /** After the object's name: `mounts /var/run/docker.sock`. */
  readonly says: string;
  readonly why: string;
  readonly fix: Fix;
  readonly severity?: Severity;
  /** Evidence from elsewhere: the volume that a claim leads to. */
  readonly more?: readonly Source[];
};

/** A finding about a workload, with the nodes that its pods run on. */
export function workloadFinding(check: CheckInfo, workload: Workload, found: Found): Finding {
  const nodes = nodesOf(workload);
  return {
    check: check.id,
    severity: found.severity ?? check.severity,
    title: `${nameOf(workload.ref)}: ${found.says}`,
    why: `${found.why}${stateOf(workload)}`,
    subject: subjectOf(workload),
    ...(nodes.length === 0 ? {} : { nodes }),
    evidence: [...found.at.map(({ path, excerpt }) => workloadSource(workload, path, excerpt)), ...(found.more ?? [])],
    fix: withManager(workload, found.fix),
  };
}

/** Evidence within a workload's pod spec; `^` at its begin is what holds spec and metadata. */
function workloadSource({ place, specPath }: Workload, path: string, excerpt?: string): Source {
  return sourceAt(place, fieldOf(specPath, path), excerpt);
}

function fieldOf(specPath: string, path: string): string {
  return path.startsWith("^") ? `${specPath.replace(/\.[^.[\]]*$/, "")}${path.slice(1)}` : `${specPath}${path}`;
}

/** `daemonset kube-system/fluentd` */
export function nameOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind.toLowerCase()} ${namespace === undefined ? "" : `${namespace}/`}${name === "" ? "(no name)" : name}`;
}

export function nodesOf({ pods }: Workload): string[] {
  return [...new Set(pods.flatMap(({ node }) => node ?? []))].toSorted();
}

function subjectOf({ ref, pods, origin }: Workload): Subject {
  const node = origin === "template" ? undefined : pods.length === 1 ? pods[0]?.node : undefined;
  return { t: "object", ...ref, ...(node === undefined ? {} : { node }) };
}

/** What does not run now fails when it is started again. */
function stateOf({ isSuspended, replicas }: Workload): string {
  if (isSuspended) return " It is suspended now.";
  return replicas === 0 ? " It is scaled to zero now." : "";
}

/** What a controller made is changed where the controller takes it from. */
function withManager({ managedBy, origin, pods }: Workload, fix: Fix): Fix {
  if (managedBy !== undefined)
    return { ...fix, summary: `${fix.summary} ${nameOf(managedBy)} makes this object: change it there.` };
  if (origin !== "static") return fix;
  const node = pods[0]?.node;
  const { commands: _unused, ...rest } = fix;
  return {
    ...rest,
    summary: `${fix.summary} It is a static pod: change its file in /etc/kubernetes/manifests${node === undefined ? "" : ` on ${node}`}.`,
  };
}
