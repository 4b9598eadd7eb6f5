import type { Workload } from "../../cluster/cluster-facts.ts";
import type { ContainerShape } from "../../cluster/pod-shape.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { isDocker } from "../nodes-finding.ts";
import { patchCommand } from "../kubectl.ts";
import { workloadFinding } from "../workload-finding.ts";

const profileInfo: CheckInfo = {
  id: "docker-security-profile",
  title: "Pods with Docker's AppArmor or seccomp profile by name",
  severity: "high",
};

/** Source: https://kubernetes.io/docs/tutorials/security/apparmor/ and the seccomp tutorial beside it. */
export const dockerSecurityProfile: ClusterCheck = {
  ...profileInfo,
  *find({ workloads }) {
    for (const workload of workloads) {
      for (const { kind, name, path } of workload.shape.profiles) {
        if (!/docker\/default|docker-default/.test(name)) continue;
        yield workloadFinding(profileInfo, workload, {
          at: [{ path, excerpt: name }],
          says: `has the ${kind} profile ${name}`,
          why:
            kind === "apparmor"
              ? "Docker loads the profile docker-default when it starts: on a node without it the pod is refused."
              : "docker/default is Docker's word for the runtime's own profile; kubelets from 1.27 on ignore the annotation.",
          fix: {
            summary: "Ask for the runtime's default profile, whatever it is called there.",
            patch:
              kind === "apparmor"
                ? "metadata:\n  annotations:\n    container.apparmor.security.beta.kubernetes.io/CONTAINER: runtime/default\n# from Kubernetes 1.30 on:\nspec:\n  securityContext:\n    appArmorProfile: { type: RuntimeDefault }\n"
                : "spec:\n  securityContext:\n    seccompProfile: { type: RuntimeDefault }\n",
          },
        });
      }
    }
  },
};

const portInfo: CheckInfo = {
  id: "unprivileged-low-port",
  title: "Pods that take ports below 1024 without being root",
  severity: "high",
};

/** Docker 20.10 lets any user bind them in a pod's network; containerd does so by default from 2.0 on only. */
export const unprivilegedLowPort: ClusterCheck = {
  ...portInfo,
  *find({ workloads, nodes }) {
    // Where nodes are known and none is Docker's, nothing changes.
    if (nodes.length > 0 && !nodes.some(isDocker)) return;
    for (const workload of workloads) {
      const { shape } = workload;
      if (shape.hostNetwork || Object.hasOwn(shape.sysctls, "net.ipv4.ip_unprivileged_port_start")) continue;
      for (const container of shape.containers) {
        const port = container.ports.find((one) => one.container < 1024);
        if (port === undefined || !isUnprivileged(workload, container)) continue;
        const command = patchCommand(workload, [
          {
            op: "add",
            path: ".securityContext.sysctls",
            value: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
          },
        ]);
        yield workloadFinding(portInfo, workload, {
          at: [{ path: port.path, excerpt: `containerPort: ${port.container}` }],
          says: `container ${container.name} takes port ${port.container} as a user that is not root`,
          why: 'On containerd before 2.0 it ends with "bind: permission denied"; Ferry and containerd 2.0 allow it as Docker does.',
          fix: {
            summary:
              "With a target before containerd 2.0, set enable_unprivileged_ports = true in its configuration (ferry migrate convert does), or give the pod the sysctl.",
            patch: 'securityContext:\n  sysctls:\n  - name: net.ipv4.ip_unprivileged_port_start\n    value: "0"\n',
            ...(command === undefined ? {} : { commands: [command] }),
            links: ["https://github.com/containerd/containerd/blob/main/docs/containerd-2.0.md"],
          },
        });
      }
    }
  },
};

function isUnprivileged({ shape }: Workload, container: ContainerShape): boolean {
  if (container.privileged || container.capabilities.some((name) => /^(?:CAP_)?(?:NET_BIND_SERVICE|ALL)$/.test(name)))
    return false;
  const user = container.runAsUser ?? shape.runAsUser;
  return user === undefined ? (container.runAsNonRoot ?? shape.runAsNonRoot) : user !== 0;
}
