import { shellWord } from "#base/shell-word.ts";
import type { BudgetFacts, ClusterFacts, Workload } from "../../cluster/cluster-facts.ts";
import { sourceAt } from "../../cluster/place.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { nameOf, nodesOf, workloadFinding } from "../workload-finding.ts";

const info: CheckInfo = {
  id: "drain-blocker",
  title: "What keeps a node from being drained, or is lost when it is",
  severity: "high",
};

const maxListed = 20;

/** Bare pods, budgets without room, node-local volumes, single StatefulSet replicas, emptyDir data. */
export const drainBlocker: ClusterCheck = {
  ...info,
  *find(facts) {
    for (const workload of facts.workloads) {
      if (workload.origin === "pod" && workload.ref.kind === "Pod") yield bareFinding(workload);
      yield* localFindings(facts, workload);
      if (workload.ref.kind === "StatefulSet" && workload.replicas === 1) yield singleFinding(workload);
    }
    for (const budget of facts.budgets) yield* budgetFindings(facts, budget);
    yield* emptyDirFindings(facts);
  },
};

function bareFinding(workload: Workload): Finding {
  return workloadFinding(info, workload, {
    at: [{ path: "", excerpt: "no ownerReferences" }],
    says: "is a bare pod, which nothing brings back",
    why: "A drain stops at it, or with --force deletes it for good.",
    fix: {
      summary: "Make it a Deployment or Job, or save it and create it again after the move.",
      commands: [
        `kubectl -n ${shellWord(workload.ref.namespace ?? "default")} get pod ${shellWord(workload.ref.name)} -o yaml > ${shellWord(`${workload.ref.name}.yaml`)}`,
      ],
    },
  });
}

function* localFindings(facts: ClusterFacts, workload: Workload): Generator<Finding> {
  for (const { claim, path } of workload.shape.claims) {
    const name = `${workload.ref.namespace ?? "default"}/${claim}`;
    const bound = facts.claims.find((one) => `${one.namespace}/${one.name}` === name)?.volume;
    const volume = facts.volumes.find((one) => one.claim === name || one.name === bound);
    if (volume === undefined) continue;
    yield workloadFinding(info, workload, {
      at: [{ path, excerpt: claim }],
      says: `keeps data on one node (volume ${volume.name})`,
      why: "Drained from that node it has nowhere else to go, and waits until the node is back.",
      severity: "medium",
      fix: { summary: "Plan its downtime for this node's move; the data stays where it is." },
      more: [sourceAt(volume.place, volume.path, volume.hostPath)],
    });
  }
}

function singleFinding(workload: Workload): Finding {
  return workloadFinding(info, workload, {
    at: [{ path: "", excerpt: "replicas: 1" }],
    says: "has a single replica",
    why: "It is down from its eviction until it is ready elsewhere.",
    severity: "low",
    fix: { summary: "Scale it up before the move where it can be, or tell its users." },
  });
}

function* budgetFindings(facts: ClusterFacts, budget: BudgetFacts): Generator<Finding> {
  const { ref, place, disruptionsAllowed, maxUnavailable, minAvailable, selector } = budget;
  const covered = facts.workloads.filter((one) => one.ref.namespace === ref.namespace && selects(selector, one.labels));
  const isTight =
    maxUnavailable === "0" ||
    maxUnavailable === "0%" ||
    minAvailable === "100%" ||
    covered.some(({ replicas }) => replicas !== undefined && replicas > 0 && Number(minAvailable) >= replicas);
  // A cluster's own count decides; a manifest's numbers stand in for it.
  if (disruptionsAllowed === undefined ? !isTight : disruptionsAllowed > 0) return;
  const nodes = [...new Set(covered.flatMap(nodesOf))].toSorted();
  yield {
    check: info.id,
    severity: info.severity,
    title: `${nameOf(ref)}: allows no pod to be evicted`,
    why: "A drain of any node with one of its pods waits for ever.",
    subject: { t: "object", ...ref },
    ...(nodes.length === 0 ? {} : { nodes }),
    evidence: [
      disruptionsAllowed === undefined
        ? sourceAt(
            place,
            maxUnavailable === undefined ? ".spec.minAvailable" : ".spec.maxUnavailable",
            maxUnavailable ?? minAvailable,
          )
        : sourceAt(place, ".status.disruptionsAllowed", String(disruptionsAllowed)),
    ],
    fix: {
      summary: "Make room: more replicas, healthy pods, or maxUnavailable: 1 for the time of the move.",
      commands: [
        `kubectl -n ${shellWord(ref.namespace ?? "default")} patch poddisruptionbudget ${shellWord(ref.name)} --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":1}}'`,
      ],
      links: ["https://kubernetes.io/docs/tasks/run-application/configure-pdb/"],
    },
  };
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** One finding for the cluster: nearly every workload has some. */
function* emptyDirFindings({ workloads, nodes }: ClusterFacts): Generator<Finding> {
  const keeping = workloads.filter(({ shape, origin }) => shape.emptyDirs > 0 && origin !== "static");
  if (keeping.length === 0 || nodes.length === 0) return;
  yield {
    check: info.id,
    severity: "low",
    title: `${keeping.length} workloads: keep data in emptyDir volumes`,
    why: "A drain refuses their pods unless it is told to delete that data; it is lost with the pod.",
    subject: { t: "cluster" },
    nodes: [...new Set(keeping.flatMap(nodesOf))].toSorted(),
    evidence: keeping.slice(0, maxListed).map((one) => sourceAt(one.place, `${one.specPath}.volumes`, nameOf(one.ref))),
    fix: {
      summary:
        "See that nothing in them is worth keeping; then allow its deletion, by kubectl drain or ferry migrate plan.",
      commands: [
        "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
        "ferry migrate plan --target TARGET --delete-emptydir-data",
      ],
    },
  };
}
