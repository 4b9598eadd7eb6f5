import type { JsonObject } from "#base/json.ts";
import type { ContainerMount, LinuxNamespaceMode } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Resources } from "#core/tasks/resources.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "#engine/oci-spec/default-paths.ts";
import { asObject, asText, type DockerRecord } from "./records.ts";

/** `HostConfig.NetworkMode`; of a container of another surface worked out from what it is. */
export function networkModeText(container: Container, record: DockerRecord): string {
  const { config, sandboxId } = container;
  const asked = asText(record.hostConfig["NetworkMode"]);
  const { network } = config.linuxNamespaces;
  if (network.t === "path" && sandboxId !== undefined) return `container:${sandboxId}`;
  if (network.t === "container") return `container:${network.containerId}`;
  if (asked !== "") return asked;
  return network.t === "host" ? "host" : (config.networks[0]?.network ?? "none");
}

/**
 * The whole HostConfig: Docker's zero values, what the container is, and over it what only its request said.
 *
 * Limits and the restart policy are always the container's own, as an update may have changed them.
 */
export function toHostConfig(container: Container, record: DockerRecord): JsonObject {
  const { config } = container;
  return {
    ...zeros,
    ...fromConfig(container),
    ...record.hostConfig,
    ...toResourceFields(config.resources),
    NetworkMode: networkModeText(container, record),
    ...namespaceModes(container, record),
    RestartPolicy: { Name: config.restart.name, MaximumRetryCount: config.restart.maxRetries },
    LogConfig: toLogConfig(record),
    MaskedPaths:
      record.hostConfig["MaskedPaths"] ??
      (config.maskedPaths === undefined ? [...defaultMaskedPaths] : [...config.maskedPaths]),
    ReadonlyPaths:
      record.hostConfig["ReadonlyPaths"] ??
      (config.readonlyPaths === undefined ? [...defaultReadonlyPaths] : [...config.readonlyPaths]),
    Runtime: container.runtimeHandler,
    ShmSize: config.shmSizeBytes,
  };
}

/** A request that names no driver means the default one. */
function toLogConfig(record: DockerRecord): JsonObject {
  const asked = asObject(record.hostConfig["LogConfig"]);
  return { ...asked, Type: asText(asked["Type"]) || "json-file", Config: asObject(asked["Config"]) };
}

function fromConfig({ config }: Container): JsonObject {
  return {
    Binds: orNull(config.mounts.flatMap(bindText)),
    AutoRemove: config.autoRemove,
    Privileged: config.privileged,
    ReadonlyRootfs: config.rootReadOnly,
    CapAdd: orNull([...config.capabilities.add]),
    CapDrop: orNull([...config.capabilities.drop]),
    GroupAdd: orNull([...config.additionalGroups]),
    ExtraHosts: orNull([...config.extraHosts]),
    Dns: [...config.dns.servers],
    DnsOptions: [...config.dns.options],
    DnsSearch: [...config.dns.searches],
    OomScoreAdj: config.oomScoreAdj,
    CgroupParent: config.cgroupParent,
    PortBindings: portBindings(config.ports),
    ...(config.init ? { Init: true } : {}),
    ...(Object.keys(config.sysctls).length > 0 ? { Sysctls: config.sysctls } : {}),
    SecurityOpt: securityOptions(config),
  };
}

function securityOptions(config: Container["config"]): string[] | null {
  return orNull([
    ...(config.noNewPrivileges ? ["no-new-privileges"] : []),
    ...(config.seccomp.t === "unconfined" ? ["seccomp=unconfined"] : []),
    ...(config.apparmorProfile === undefined ? [] : [`apparmor=${config.apparmorProfile}`]),
  ]);
}

function bindText(mount: ContainerMount): string[] {
  if (mount.t === "bind") return [`${mount.source}:${mount.destination}${mount.readOnly ? ":ro" : ""}`];
  if (mount.t === "volume" && !mount.anonymous)
    return [`${mount.name}:${mount.destination}${mount.readOnly ? ":ro" : ""}`];
  return [];
}

function portBindings(ports: Container["config"]["ports"]): JsonObject {
  const map: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, protocol, hostIp, hostPort } of ports) {
    const list = (map[`${containerPort}/${protocol}`] ??= []);
    list.push({ HostIp: hostIp, HostPort: hostPort === 0 ? "" : String(hostPort) });
  }
  return map;
}

function namespaceModes({ config, sandboxId }: Container, record: DockerRecord): JsonObject {
  const { pid, ipc, uts, cgroup } = config.linuxNamespaces;
  const modeText = (mode: LinuxNamespaceMode, own: string) => {
    if (mode.t === "host") return "host";
    // A pod's are its sandbox's.
    if (mode.t === "path" && sandboxId !== undefined) return `container:${sandboxId}`;
    return mode.t === "container" ? `container:${mode.containerId}` : own;
  };
  return {
    PidMode: modeText(pid, ""),
    IpcMode: modeText(ipc, asText(record.hostConfig["IpcMode"]) || "private"),
    UTSMode: modeText(uts, ""),
    CgroupnsMode: modeText(cgroup, "private"),
  };
}

function toResourceFields(resources: Resources): JsonObject {
  const rates = (list: readonly { path: string; rate: number }[] | undefined) =>
    list === undefined ? [] : list.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  const weights = (resources.blkioWeightDevice ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight }));
  return {
    Memory: resources.memoryBytes ?? 0,
    MemorySwap: resources.memorySwapBytes ?? 2 * (resources.memoryBytes ?? 0),
    MemoryReservation: resources.memoryReservationBytes ?? 0,
    MemorySwappiness: resources.memorySwappiness ?? null,
    OomKillDisable: resources.oomKillDisable ?? false,
    NanoCpus: resources.nanoCpus ?? 0,
    CpuShares: resources.cpuShares ?? 0,
    CpuPeriod: resources.cpuPeriodUs ?? 0,
    CpuQuota: resources.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: resources.cpuRealtimePeriodUs ?? 0,
    CpuRealtimeRuntime: resources.cpuRealtimeRuntimeUs ?? 0,
    CpusetCpus: resources.cpusetCpus ?? "",
    CpusetMems: resources.cpusetMems ?? "",
    PidsLimit: resources.pidsLimit ?? null,
    BlkioWeight: resources.blkioWeight ?? 0,
    BlkioWeightDevice: weights,
    BlkioDeviceReadBps: rates(resources.blkioReadBps),
    BlkioDeviceWriteBps: rates(resources.blkioWriteBps),
    BlkioDeviceReadIOps: rates(resources.blkioReadIops),
    BlkioDeviceWriteIOps: rates(resources.blkioWriteIops),
  };
}

function orNull(list: string[]): string[] | null {
  return list.length > 0 ? list : null;
}

/** Fields that Docker's answer always has. */
const zeros: JsonObject = {
  Binds: null,
  ContainerIDFile: "",
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  Cgroup: "",
  Links: null,
  PublishAllPorts: false,
  UsernsMode: "",
  Isolation: "",
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};
