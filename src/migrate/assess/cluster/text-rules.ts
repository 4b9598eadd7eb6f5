import type { TextFacts } from "../../cluster/cluster-facts.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { workloadFinding } from "../workload-finding.ts";

const metricsInfo: CheckInfo = {
  id: "docker-metrics",
  title: "Dashboards, alerts and rules on metrics that only Docker's nodes have",
  severity: "medium",
};

const metrics =
  /\bcontainer_fs_\w+|name=~?\\?"k8s_|\bcontainer_name\s*=|\bpod_name\s*=|container\s*(?:=|!=|=~|!~)\s*\\?"POD\\?"|container_label_io_kubernetes_\w+|\bkubelet_docker_\w+|\bengine_daemon_\w+/;

/** Grafana dashboards, Prometheus rules and custom resources with them. */
export const dockerMetrics: ClusterCheck = {
  ...metricsInfo,
  *find({ texts }) {
    yield* eachText(texts, metrics, (text, names) =>
      textFinding(metricsInfo, text, {
        matches: names,
        says: `uses ${[...new Set(names.map(({ match }) => match[0]))].slice(0, 3).join(", ")}`,
        why: "cAdvisor has these series and labels from Docker: on another runtime they are empty, so panels go blank and alerts go silent.",
        fix: {
          summary:
            'Use the labels container, pod and namespace (not container_name, pod_name, name=~"k8s_"), container!="" for container="POD", kubelet_volume_stats_* or the node\'s filesystem for container_fs_*, kubelet_runtime_operations_* for kubelet_docker_*.',
          links: ["https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md"],
        },
      }),
    );
  },
};

const idInfo: CheckInfo = {
  id: "runtime-id-parsing",
  title: "Code and rules that expect docker:// in container IDs",
  severity: "medium",
};

const ids = /docker-pullable:\/\/|docker:(?:\\?\/){2}/;
/** In Docker's own words: a node's address, or a transport of skopeo's. */
const notAnId = /docker:\/\/[\w.-]+(?::\d+)?\/[\w./-]+/;

/** `status.containerStatuses[].containerID` becomes `containerd://…`, `imageID` loses `docker-pullable://`. */
export const runtimeIdParsing: ClusterCheck = {
  ...idInfo,
  *find({ workloads, texts }) {
    const fix = {
      summary: "Cut at the first ://, whatever stands before it; take image IDs with and without docker-pullable://.",
    };
    const why =
      "Container IDs in pod statuses begin with the runtime's name: what looks for docker:// finds nothing after the move.";
    for (const workload of workloads) {
      for (const { name, env, command, path } of workload.shape.containers) {
        const variable = env.find(({ value }) => isId(value));
        const text = variable === undefined ? command.find(isId) : `${variable.name}=${variable.value}`;
        if (text === undefined) continue;
        const at = [{ path: variable?.path ?? `${path}.command`, excerpt: text }];
        yield workloadFinding(idInfo, workload, { at, says: `container ${name} expects docker:// in IDs`, why, fix });
      }
    }
    yield* eachText(texts, ids, (text, lines) => {
      const matches = lines.filter((line) => isId(line.text));
      return matches.length === 0
        ? undefined
        : textFinding(idInfo, text, { matches, says: "expects docker:// in container IDs", why, fix });
    });
  },
};

function isId(text: string): boolean {
  return ids.test(text) && !notAnId.test(text);
}

const policyInfo: CheckInfo = {
  id: "admission-policy",
  title: "Admission policies that know Docker's socket only",
  severity: "medium",
};

const policyKinds = /Policy|Constraint|K8sPSP/;
const policyNames = /kyverno|gatekeeper|opa|policy|admission/i;

/** The new runtime's socket is as good as root on the node: a rule for docker.sock is to hold for it too. */
export const admissionPolicy: ClusterCheck = {
  ...policyInfo,
  *find({ texts }) {
    const policies = texts.filter(
      ({ ref }) =>
        ref !== undefined && (policyKinds.test(ref.kind) || (ref.kind === "ConfigMap" && policyNames.test(ref.name))),
    );
    for (const [name, group] of grouped(policies)) {
      const all = group.map(({ text }) => text).join("\n");
      if (/containerd\.sock|ferry\.sock/.test(all)) continue;
      const found = group.find(({ text }) => /docker\.sock|\/var\/run\/docker|\/run\/docker/.test(text));
      if (found === undefined) continue;
      yield textFinding(policyInfo, found, {
        matches: [...matchLines(found.text, /docker/, /^\s*$/)].slice(0, 3),
        says: "names Docker's socket and no other runtime's",
        why: `After the move ${name} guards a socket that is gone, and leaves the new one open.`,
        fix: {
          summary: "Put /run/containerd/containerd.sock, /run/ferry and /run/crio beside docker.sock in this policy.",
          links: ["https://kyverno.io/policies/best-practices/disallow-cri-sock-mount/disallow-cri-sock-mount/"],
        },
      });
    }
  },
};

function grouped(texts: readonly TextFacts[]): Map<string, TextFacts[]> {
  const groups = new Map<string, TextFacts[]>();
  for (const text of texts) {
    const name = `${text.ref?.kind ?? ""} ${text.ref?.name ?? ""}`;
    groups.set(name, [...(groups.get(name) ?? []), text]);
  }
  return groups;
}

type Lines = readonly { readonly line: number; readonly text: string; readonly match: RegExpExecArray }[];

function* eachText(
  texts: readonly TextFacts[],
  pattern: RegExp,
  toFinding: (text: TextFacts, lines: Lines) => Finding | undefined,
): Generator<Finding> {
  for (const text of texts) {
    if (text.ref === undefined) continue;
    const lines = [...matchLines(text.text, pattern)];
    const finding = lines.length === 0 ? undefined : toFinding(text, lines);
    if (finding !== undefined) yield finding;
  }
}
