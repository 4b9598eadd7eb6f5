import { isAbsolute } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { IdMappings } from "#core/sandboxes/user-namespace.ts";
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

/** What the pod is to be. Pure. @throws invalidArgument */
export function toSandboxConfig(config: PodSandboxConfig, settings: CriSettings): SandboxConfig {
  const { linux, dnsConfig } = config;
  const options = linux?.securityContext?.namespaceOptions;
  const idMappings = toIdMappings(options);
  checkTexts(config);
  checkSysctls(Object.keys(linux?.sysctls ?? {}), options);
  const network = options?.network === NamespaceMode.NODE ? "host" : "pod";
  return {
    hostname: network === "host" ? "" : config.hostname,
    linuxNamespaces: {
      network,
      ipc: options?.ipc === NamespaceMode.NODE ? "host" : "pod",
      pid: pidMode(options),
    },
    ...(idMappings !== undefined && { idMappings }),
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

/** Each namespace's own sysctls; all others are the machine's. Source: kernel Documentation/admin-guide/sysctl. */
const sysctlsOf = {
  network: /^net\//,
  ipc: /^(kernel\/(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|fs\/mqueue\/)/,
} as const;

/** @throws invalidArgument for one that is not of a namespace that the pod has for itself */
function checkSysctls(names: readonly string[], options: NamespaceOption | undefined): void {
  const own = (["network", "ipc"] as const).filter((kind) => options?.[kind] !== NamespaceMode.NODE);
  for (const name of names) {
    const path = name.includes("/") ? name : name.replaceAll(".", "/");
    if (path.split("/").includes("..") || !own.some((kind) => sysctlsOf[kind].test(path)))
      throw new EngineError("invalidArgument", `sysctl ${JSON.stringify(name)}: not of a namespace of the pod's own`);
  }
}

/** They become lines of files, and a path. */
function checkTexts({ hostname, dnsConfig, logDirectory }: PodSandboxConfig): void {
  const { servers = [], searches = [], options = [] } = dnsConfig ?? {};
  const wrong = [hostname, ...servers, ...searches, ...options].find((text) => /[\s/]/.test(text));
  if (wrong !== undefined)
    throw new EngineError("invalidArgument", `sandbox config: ${JSON.stringify(wrong)}: no name`);
  if (logDirectory !== "" && !isAbsolute(logDirectory))
    throw new EngineError(
      "invalidArgument",
      `sandbox config: log_directory ${JSON.stringify(logDirectory)}: not absolute`,
    );
}

/**
 * The user namespace that is asked for; undefined: the host's. Pure.
 *
 * @throws invalidArgument unless it is the pod's own with one range from 0, the same of users and groups
 */
function toIdMappings(options: NamespaceOption | undefined): IdMappings | undefined {
  const user = options?.usernsOptions;
  if (user === undefined || user.mode === NamespaceMode.NODE) return undefined;
  if (user.mode !== NamespaceMode.POD) throw wrongUserNamespace("its mode must be POD or NODE");
  const [uid, gid] = [user.uids[0], user.gids[0]];
  if (uid === undefined || gid === undefined || user.uids.length + user.gids.length > 2) {
    throw wrongUserNamespace("needs one mapping of users and one of groups");
  }
  if (uid.hostId !== gid.hostId || uid.length !== gid.length || uid.containerId !== gid.containerId) {
    throw wrongUserNamespace("users and groups must be mapped alike");
  }
  if (uid.containerId !== 0 || uid.length === 0) throw wrongUserNamespace("id 0 must be mapped");
  const mapping = { containerId: 0, hostId: uid.hostId, size: uid.length };
  return { uids: [mapping], gids: [mapping] };
}

function wrongUserNamespace(why: string): EngineError {
  return new EngineError("invalidArgument", `user namespace: ${why}`);
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
