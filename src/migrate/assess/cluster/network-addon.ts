import type { ClusterFacts } from "../../cluster/cluster-facts.ts";
import { sourceAt } from "../../cluster/place.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { isDocker, nodesFinding, runtimeSource } from "../nodes-finding.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { nameOf, nodesOf } from "../workload-finding.ts";

const info: CheckInfo = {
  id: "network-addon",
  title: "A network that only dockershim makes, and ports of hosts",
  severity: "blocker",
};

const addons =
  /calico|canal|cilium|flannel|weave|kube-router|aws-node|amazon-k8s-cni|azure-cni|azure-vnet|antrea|kube-ovn|ovnkube|multus|romana|tigera|netd|kindnet|sdn/i;
const fix = {
  summary: "Install a CNI network add-on, which every CRI runtime uses, before the first node moves.",
  links: ["https://kubernetes.io/docs/concepts/cluster-administration/addons/#networking-and-network-policy"],
};

/** kubenet was part of dockershim; hostPort needs the portmap plugin in the CNI configuration. */
export const networkAddon: ClusterCheck = {
  ...info,
  *find(facts): Generator<Finding> {
    const { nodes, workloads, texts } = facts;
    const why =
      "kubenet is part of dockershim and gone with it: pods on a moved node have no network (NetworkPluginNotReady).";
    for (const text of texts) {
      const matches = [
        ...matchLines(text.text, /network-?plugin["']?\s*[:= ]\s*["']?kubenet|networkPlugin["']?\s*:\s*["']?kubenet/i),
      ];
      if (matches.length > 0) yield textFinding(info, text, { matches, says: "sets kubenet", why, fix });
    }
    const docker = nodes.filter(isDocker);
    const hasAddon = workloads.some(
      ({ ref, shape }) =>
        ref.kind === "DaemonSet" && (addons.test(ref.name) || shape.containers.some(({ image }) => addons.test(image))),
    );
    if (docker.length > 0 && !hasAddon) {
      yield nodesFinding(info, docker, {
        says: "no DaemonSet of a known network add-on was found",
        why: `${why} Or the add-on is one that is not known here.`,
        evidence: runtimeSource,
        fix,
      });
    }
    yield* hostPortFindings(facts);
  },
};

/** One finding for all: it is one line of one file that they need. */
function* hostPortFindings({ workloads, nodes }: ClusterFacts): Generator<Finding> {
  if (nodes.length > 0 && !nodes.some(isDocker)) return;
  const users = workloads.flatMap((workload) => {
    const port = workload.shape.hostNetwork
      ? undefined
      : workload.shape.containers.flatMap(({ ports }) => ports).find(({ host }) => host !== undefined);
    return port === undefined ? [] : [{ workload, port }];
  });
  const [first] = users;
  if (first === undefined) return;
  const onNodes = [...new Set(users.flatMap(({ workload }) => nodesOf(workload)))].toSorted();
  yield {
    check: info.id,
    severity: "medium",
    title:
      users.length === 1
        ? `${nameOf(first.workload.ref)}: uses a hostPort`
        : `${users.length} workloads: use hostPorts`,
    why: "dockershim opened host ports itself; with CNI it is the portmap plugin that does, where the network's configuration lists it.",
    subject: users.length === 1 ? { t: "object", ...first.workload.ref } : { t: "cluster" },
    ...(onNodes.length === 0 ? {} : { nodes: onNodes }),
    evidence: users
      .slice(0, 20)
      .map(({ workload, port }) =>
        sourceAt(workload.place, `${workload.specPath}${port.path}`, `hostPort: ${port.host ?? ""}`),
      ),
    fix: {
      summary: "See that the conflist in /etc/cni/net.d lists portmap, and that the plugin is in /opt/cni/bin.",
      patch: '{ "type": "portmap", "capabilities": { "portMappings": true } }\n',
      links: ["https://www.cni.dev/plugins/current/meta/portmap/"],
    },
  };
}
