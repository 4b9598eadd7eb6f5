import type { JsonObject } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "#engine/engine.ts";
import { pinnedKinds } from "#engine/sandbox-lock.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import { stateName } from "../containers/status-text.ts";
import { goTime } from "../go-time.ts";

/** A line of `GET /ferry/pods`. Pure. */
export function toPodSummary(sandbox: Sandbox, containers: readonly Container[]): JsonObject {
  const { id, pod, state, createdAtNs, labels, annotations, runtimeHandler, addresses } = sandbox;
  return {
    Id: id,
    Name: pod.name,
    Namespace: pod.namespace,
    Uid: pod.uid,
    Attempt: pod.attempt,
    State: state === "ready" ? "Ready" : "NotReady",
    Created: goTime(createdAtNs),
    Labels: labels,
    Annotations: annotations,
    RuntimeHandler: runtimeHandler,
    Ips: [...addresses],
    Containers: containers.map(({ id: containerId, name, image, status }) => ({
      Id: containerId,
      Name: name,
      Image: image.reference,
      State: stateName(status),
    })),
  };
}

/** `GET /ferry/pods/NAME`: what the sandbox was made of, beside what the list says. `pid` of its process; 0: it has none. */
export function toPodInspect(
  engine: Pick<Engine, "settings" | "podNamespaces">,
  sandbox: Sandbox,
  { containers, pid }: { containers: readonly Container[]; pid: number },
): JsonObject {
  const { config, id } = sandbox;
  const kinds = pinnedKinds(sandbox);
  const { hosts, hostname, resolvConf, shm } = sandboxPaths(engine, sandbox);
  return {
    ...toPodSummary(sandbox, containers),
    Pid: pid,
    Hostname: config.hostname,
    Privileged: config.privileged,
    LogDirectory: config.logDirectory,
    CgroupParent: config.cgroupParent,
    Sysctls: config.sysctls,
    Dns: { Servers: [...config.dns.servers], Searches: [...config.dns.searches], Options: [...config.dns.options] },
    Ports: config.ports.map(({ containerPort, protocol, hostPort, hostIp }) => ({
      ContainerPort: containerPort,
      Protocol: protocol,
      HostPort: hostPort,
      HostIp: hostIp,
    })),
    LinuxNamespaces: {
      ...config.linuxNamespaces,
      Paths: Object.fromEntries(kinds.map((kind) => [kind, engine.podNamespaces.pathOf(id, kind)])),
    },
    Files: { Hosts: hosts, Hostname: hostname, ResolvConf: resolvConf, Shm: shm },
  };
}
