import type { DaemonKey } from "../../docker-config/daemon-keys.ts";

const swarm = "Swarm's; Kubernetes does without";
const bridge = "docker0's; pods get their network from CNI";
const rules = "Docker's own firewall rules; kube-proxy and CNI make theirs";
const dockerOnly = "Docker's own; nothing of it reached pods";
const pullAndPush = "pushing and retrying are the Docker client's; the kubelet pulls again by itself";

/**
 * Keys that reach no pod, or whose work the new runtime does unasked, and why. dockershim set the resolver, the shared
 * memory, the IPC mode and the cgroup parent of pods itself (kubernetes `pkg/kubelet/dockershim` at 1.23).
 */
export const unneeded = {
  "allow-direct-routing": rules,
  "allow-nondistributable-artifacts": "for pushing foreign layers; deprecated in Docker itself",
  "api-cors-header": dockerOnly,
  "bridge-accept-fwmark": rules,
  "cgroup-parent": "pods never used it: the kubelet gives each its parent (cgroupRoot)",
  "cluster-advertise": swarm,
  "cluster-store": swarm,
  "cluster-store-opts": swarm,
  containerd: "where Docker finds containerd",
  "containerd-namespace": "Docker's namespace in containerd; pods live in k8s.io",
  "containerd-plugin-namespace": "Docker's namespace in containerd; pods live in k8s.io",
  "cri-containerd": "the containerd below Docker had its CRI switched by this; here it is always on",
  "default-gateway": bridge,
  "default-gateway-v6": bridge,
  "default-init": "only used with init",
  "default-ipc-mode": "a pod's containers share its IPC namespace, before and after",
  "default-network-opts": bridge,
  "default-shm-size": "pods always had 64 MiB; for more, mount an emptyDir with medium: Memory on /dev/shm",
  "default-stop-timeout": "terminationGracePeriodSeconds of the pod counts",
  "deprecated-key-path": dockerOnly,
  "disable-legacy-registry": "registries of API v1 are gone everywhere",
  dns: "pods never used it: the kubelet writes their resolv.conf (resolvConf, dnsPolicy)",
  "dns-opts": "pods never used it: the kubelet writes their resolv.conf (dnsConfig)",
  "dns-search": "pods never used it: the kubelet writes their resolv.conf (dnsConfig)",
  experimental: dockerOnly,
  "firewall-backend": rules,
  "fixed-cidr-v6": bridge,
  "host-gateway-ip": "for host.docker.internal, which pods do not have",
  "host-gateway-ips": "for host.docker.internal, which pods do not have",
  icc: bridge,
  "init-path": "only used with init",
  ip: "address of published ports; pods use hostPort and services",
  "ip-forward-no-drop": rules,
  "ip-masq": rules,
  ip6tables: rules,
  iptables: rules,
  labels: "of docker info; Kubernetes has node labels",
  "live-restore": "containers always outlive a restart of the runtime",
  "max-concurrent-uploads": pullAndPush,
  "max-download-attempts": pullAndPush,
  "min-api-version": "of Docker's API",
  mtu: bridge,
  "network-control-plane-mtu": swarm,
  "network-diagnostic-port": swarm,
  "node-generic-resources": swarm,
  pidfile: "systemd knows the process",
  "raw-logs": "how Docker writes its own log",
  "resolv-conf": "pods never used it: the kubelet writes their resolv.conf (resolvConf)",
  "shutdown-timeout": "containers are not stopped with the runtime",
  "swarm-default-advertise-addr": swarm,
  "swarm-raft-election-tick": swarm,
  "swarm-raft-heartbeat-tick": swarm,
  "userland-proxy": "hostPort is done by CNI's portmap, in the kernel",
  "userland-proxy-path": "hostPort is done by CNI's portmap, in the kernel",
} as const satisfies Partial<Record<DaemonKey, string>>;

export type UnneededKey = keyof typeof unneeded;

export function isUnneeded(key: DaemonKey): key is UnneededKey {
  return Object.hasOwn(unneeded, key);
}
