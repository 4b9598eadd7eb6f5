import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { DeviceEdits } from "#core/devices/device-edits.ts";
import type { IdMapping } from "#core/sandboxes/user-namespace.ts";
import type { OciLinux, OciProcess, OciSpec } from "#core/tasks/oci-spec.ts";
import { capabilitySets } from "./capabilities.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "./default-paths.ts";
import { deviceRules } from "./device-rules.ts";
import { initDestination, runsInit, toOciMounts } from "./to-oci-mounts.ts";
import { toOciResources } from "./to-oci-resources.ts";
import { defaultSeccompProfile } from "./seccomp.ts";
import type { SpecFacts } from "./spec-facts.ts";

/**
 * The `config.json` of a container. Pure.
 *
 * The version is 1.0.2: crun before 1.9 refuses a newer one, and nothing newer is used.
 *
 * @throws invalidArgument for what no container can have: an unknown capability, a bad device rule or rlimit, no command
 */
export function toOciSpec(config: ContainerConfig, facts: SpecFacts): OciSpec {
  const hostname = config.hostname !== "" && ownsUts(config);
  const mounts = toOciMounts(config, facts);
  return {
    ociVersion: "1.0.2",
    process: toOciProcess(config, facts),
    root: { path: facts.rootPath, readonly: config.rootReadOnly },
    ...(hostname && { hostname: config.hostname }),
    mounts: mounts.mounts,
    ...(config.deviceEdits !== undefined && { hooks: toHooks(config.deviceEdits) }),
    ...(facts.annotations !== undefined && { annotations: { ...facts.annotations } }),
    linux: toLinux(config, facts, mounts.rootfsPropagation),
  };
}

function toHooks({ hooks }: DeviceEdits): NonNullable<OciSpec["hooks"]> {
  const entries = hooks.map(({ name, path, args, env, timeoutSeconds }) => ({
    name,
    hook: { path, args: [...args], env: [...env], ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds }) },
  }));
  const byName = Map.groupBy(entries, ({ name }) => name);
  return Object.fromEntries([...byName].map(([name, found]) => [name, found.map(({ hook }) => hook)]));
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A process of a container, its first one or an exec. Pure.
 *
 * @throws invalidArgument without a command or for an unknown ulimit
 */
export function toOciProcess(config: ContainerConfig, facts: SpecFacts): OciProcess {
  if (config.args.length === 0) throw new EngineError("invalidArgument", "no command specified");
  const apparmor = apparmorProfile(config, facts);
  const withInit = runsInit(config);
  if (withInit && facts.initPath === undefined)
    throw new EngineError(
      "failedPrecondition",
      "init: no init binary on this machine (catatonit, tini or docker-init)",
    );
  return {
    terminal: config.tty,
    user: {
      uid: facts.user.uid,
      gid: facts.user.gid,
      additionalGids: [...new Set([...facts.user.additionalGids, ...(config.deviceEdits?.additionalGids ?? [])])],
    },
    args: withInit ? [initDestination, "--", ...config.args] : [...config.args],
    env: processEnv(config, facts),
    // Images may name it relative to the root, as Docker takes it.
    cwd: join("/", config.workdir),
    capabilities: capabilitySets(config, facts),
    rlimits: rlimits(config, facts),
    noNewPrivileges: config.noNewPrivileges,
    ...(apparmor !== undefined && { apparmorProfile: apparmor }),
    oomScoreAdj: Math.max(config.oomScoreAdj, facts.host.oomScoreFloor ?? -1000),
  };
}

/** `PATH`, `HOSTNAME`, `TERM` and `HOME` where the config does not say; an entry without `=` takes a default away. */
function processEnv(config: ContainerConfig, facts: SpecFacts): string[] {
  const values = new Map<string, string>();
  const hostname = config.hostname === "" ? [] : [`HOSTNAME=${config.hostname}`];
  const edited = config.deviceEdits?.env ?? [];
  const term = config.tty ? ["TERM=xterm"] : [];
  for (const entry of [defaultPath, ...hostname, ...term, `HOME=${facts.user.home}`, ...config.env, ...edited]) {
    const at = entry.indexOf("=", 1);
    if (at < 0) values.delete(entry);
    else values.set(entry.slice(0, at), entry);
  }
  return [...values.values()];
}

function rlimits(config: ContainerConfig, facts: SpecFacts): NonNullable<OciProcess["rlimits"]> {
  return config.rlimits.map(({ name, soft, hard }) => {
    const type = `RLIMIT_${name.replace(/^rlimit_/i, "").toUpperCase()}`;
    if (!rlimitTypes.has(type)) throw new EngineError("invalidArgument", `invalid ulimit type: ${name}`);
    const unlimited = (value: number) => (value < 0 ? maxRlimit : value);
    const ceiling = facts.host.rlimitCeilings?.[type] ?? maxRlimit;
    const cappedHard = Math.min(unlimited(hard), ceiling);
    return { type, soft: Math.min(unlimited(soft), cappedHard), hard: cappedHard };
  });
}

/** RLIM_INFINITY rounded to a double (2^64); whoever writes the JSON writes 2^64 - 1 for it. */
const maxRlimit = 2 ** 64;

const rlimitTypes = new Set(
  "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK"
    .split(" ")
    .map((name) => `RLIMIT_${name}`),
);

function apparmorProfile(config: ContainerConfig, facts: SpecFacts): string | undefined {
  if (!facts.host.apparmor) return undefined;
  if (config.apparmorProfile !== undefined) return config.apparmorProfile;
  return config.privileged ? "unconfined" : facts.host.defaultApparmorProfile;
}

function toLinux(config: ContainerConfig, facts: SpecFacts, rootfsPropagation: string | undefined): OciLinux {
  const seccomp = seccompProfile(config, facts);
  return {
    namespaces: linuxNamespaces(config, facts),
    ...idMappings(config),
    devices: facts.devices.map(({ type, path, major, minor, fileMode, uid, gid }) => ({
      type,
      path,
      major,
      minor,
      fileMode,
      uid,
      gid,
    })),
    cgroupsPath: cgroupsPath(config, facts),
    resources: { ...toOciResources(config.resources, facts), devices: deviceRules(config, facts) },
    ...(seccomp !== undefined && { seccomp }),
    sysctl: sysctls(config, facts),
    maskedPaths: [
      ...(config.maskedPaths ?? (config.privileged ? [] : [...defaultMaskedPaths, ...facts.host.maskedPaths])),
    ],
    readonlyPaths: [...(config.readonlyPaths ?? (config.privileged ? [] : defaultReadonlyPaths))],
    ...(rootfsPropagation !== undefined && { rootfsPropagation }),
    ...(config.deviceEdits?.intelRdt !== undefined && { intelRdt: { ...config.deviceEdits.intelRdt } }),
  };
}

/** Runtimes want them beside the namespace that has them already. */
function idMappings({ userNamespace }: ContainerConfig): Pick<OciLinux, "uidMappings" | "gidMappings"> {
  if (userNamespace === undefined) return {};
  const toOci = ({ containerId, hostId, size }: IdMapping) => ({ containerID: containerId, hostID: hostId, size });
  return { uidMappings: userNamespace.uids.map(toOci), gidMappings: userNamespace.gids.map(toOci) };
}

function linuxNamespaces(config: ContainerConfig, facts: SpecFacts): OciLinux["namespaces"] {
  const namespaces: OciLinux["namespaces"] = [{ type: "mount" }];
  if (config.userNamespace !== undefined) namespaces.push({ type: "user", path: config.userNamespace.path });
  for (const type of ["pid", "ipc", "uts", "network", "cgroup"] as const) {
    const mode = config.linuxNamespaces[type];
    const path = facts.linuxNamespacePaths[type];
    if (mode.t === "host") continue;
    if (mode.t === "container" && path === undefined)
      throw new EngineError("invalidArgument", `container ${mode.containerId}: its ${type} namespace is not known`);
    namespaces.push(path === undefined ? { type } : { type, path });
  }
  return namespaces;
}

/** Host name and domain can be set only in a namespace that this container is the first in. */
function ownsUts(config: ContainerConfig): boolean {
  return config.linuxNamespaces.uts.t === "private";
}

/** Systemd's form is `slice:prefix:name`; cgroupfs has a path. Source: runc's README on the systemd cgroup driver. */
function cgroupsPath(config: ContainerConfig, facts: SpecFacts): string {
  const parent = config.cgroupParent === "" ? facts.defaultCgroupParent : config.cgroupParent;
  if (facts.runtime.cgroupDriver === "cgroupfs") return `/${parent}/${facts.containerId}`.replace(/\/{2,}/g, "/");
  const slice = parent.split("/").findLast((part) => part !== "") ?? "system.slice";
  if (!slice.endsWith(".slice"))
    throw new EngineError(
      "invalidArgument",
      `cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice", not ${JSON.stringify(parent)}`,
    );
  return `${slice}:ferry:${facts.containerId}`;
}

function seccompProfile(config: ContainerConfig, facts: SpecFacts): OciLinux["seccomp"] | undefined {
  if (!facts.host.seccomp || config.seccomp.t === "unconfined") return undefined;
  if (config.seccomp.t === "profile") return config.seccomp.profile;
  if (config.privileged) return undefined;
  const { arch, kernel } = facts.host;
  return defaultSeccompProfile({ arch, kernel, capabilities: capabilitySets(config, facts).bounding });
}

/** What opens low ports and ping to every user of a network that is the container's own; then the config's. */
function sysctls(config: ContainerConfig, facts: SpecFacts): Record<string, string> {
  const defaults: Record<string, string> = {
    "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv4.ip_unprivileged_port_start": "0",
  };
  const result: Record<string, string> = {};
  if (config.linuxNamespaces.network.t === "private")
    for (const [name, value] of Object.entries(defaults)) if (facts.host.sysctls.has(name)) result[name] = value;
  if (config.domainname !== "" && ownsUts(config)) result["kernel.domainname"] = config.domainname;
  return { ...result, ...config.sysctls };
}
