import { EngineError } from "#base/errors.ts";
import type { PodIdentity, PodPort, SandboxConfig } from "#core/sandboxes/sandbox.ts";
import { Protocol, type PodSandboxConfig, type PortMapping } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode, type NamespaceOption } from "#gen/runtime/v1/security_pb.ts";
import type { CriSettings } from "./cri.ts";

/** Who the pod is. @throws invalidArgument when the request does not say */
export function toPodIdentity({ metadata }: PodSandboxConfig): PodIdentity {
  if (metadata === undefined) throw new EngineError("invalidArgument", "sandbox config: metadata is missing");
  const { name, uid, namespace, attempt } = metadata;
  if (name === "" || uid === "" || namespace === "") {
    throw new EngineError("invalidArgument", "sandbox config: metadata needs name, uid and namespace");
  }
  return { name, uid, namespace, attempt };
}

/** What the pod is to be. Pure. @throws invalidArgument @throws notImplemented for user namespaces */
export function toSandboxConfig(config: PodSandboxConfig, settings: CriSettings): SandboxConfig {
  const { linux, dnsConfig } = config;
  const options = linux?.securityContext?.namespaceOptions;
  refuseUserNamespace(options);
  const network = options?.network === NamespaceMode.NODE ? "host" : "pod";
  return {
    hostname: network === "host" ? "" : config.hostname,
    linuxNamespaces: {
      network,
      ipc: options?.ipc === NamespaceMode.NODE ? "host" : "pod",
      pid: pidMode(options),
    },
    sysctls: { ...(network === "pod" ? defaultSysctls(settings) : {}), ...linux?.sysctls },
    ports: config.portMappings.map(toPort),
    dns: {
      servers: dnsConfig?.servers ?? [],
      searches: dnsConfig?.searches ?? [],
      options: dnsConfig?.options ?? [],
    },
    cgroupParent: linux?.cgroupParent ?? "",
    logDirectory: config.logDirectory,
    privileged: linux?.securityContext?.privileged ?? false,
  };
}

/** @throws notImplemented: user namespaces are refused by name until the runtime has them */
export function refuseUserNamespace(options: NamespaceOption | undefined): void {
  const user = options?.usernsOptions;
  if (user !== undefined && user.mode !== NamespaceMode.NODE) {
    throw new EngineError("notImplemented", "user namespaces: not supported");
  }
}

function pidMode(options: NamespaceOption | undefined): "pod" | "container" | "host" {
  switch (options?.pid) {
    case NamespaceMode.NODE:
      return "host";
    case NamespaceMode.CONTAINER:
    case NamespaceMode.TARGET:
      return "container";
    case NamespaceMode.POD:
    case undefined:
    default:
      return "pod";
  }
}

function defaultSysctls({ unprivilegedPorts, unprivilegedIcmp }: CriSettings): Record<string, string> {
  return {
    ...(unprivilegedPorts && { "net.ipv4.ip_unprivileged_port_start": "0" }),
    ...(unprivilegedIcmp && { "net.ipv4.ping_group_range": "0 2147483647" }),
  };
}

const protocols = { [Protocol.TCP]: "tcp", [Protocol.UDP]: "udp", [Protocol.SCTP]: "sctp" } as const;

function toPort({ protocol, containerPort, hostPort, hostIp }: PortMapping): PodPort {
  const known = Object.entries(protocols).find(([key]) => Number(key) === protocol)?.[1];
  if (known === undefined) throw new EngineError("invalidArgument", `port mapping: protocol ${protocol} is not known`);
  return { protocol: known, containerPort, hostPort, hostIp };
}
