import type { CheckInfo, ClusterCheck } from "../check.ts";
import { isDocker, nodesFinding, runtimeSource } from "../nodes-finding.ts";

const info: CheckInfo = {
  id: "control-plane",
  title: "Control plane nodes whose move stops etcd or the API server",
  severity: "blocker",
};

const roles = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
];

/** Static pods start from nothing on the new runtime: for some minutes such a node serves no API and is no etcd member. */
export const controlPlane: ClusterCheck = {
  ...info,
  *find({ nodes, workloads }) {
    const members = nodes.filter(({ labels }) => roles.some((role) => Object.hasOwn(labels, role)));
    const moving = members.filter(isDocker);
    if (moving.length === 0) return;
    const etcd = workloads.filter(({ ref, origin }) => origin === "static" && ref.name.startsWith("etcd")).length;
    const keeps = members.length >= 3;
    yield nodesFinding(info, moving, {
      says: `control plane on Docker (${members.length} in all${etcd > 0 ? `, ${etcd} with etcd` : ""})`,
      severity: keeps ? "high" : "blocker",
      why: keeps
        ? "While one moves it serves no API and etcd has a member less: two at once lose the quorum."
        : "With fewer than three there is no quorum, or no API at all, while one of them moves.",
      evidence: runtimeSource,
      fix: {
        summary:
          "Take an etcd snapshot, move these nodes last and one at a time, and wait until etcd is healthy before the next.",
        commands: [
          "etcdctl snapshot save /var/backups/etcd-before-ferry.db --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key",
        ],
        links: ["https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/"],
      },
    });
  },
};
