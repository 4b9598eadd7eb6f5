import { EngineError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { ImageDefaults } from "#core/images/image-config.ts";
import type { Labels } from "#core/labels.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { mergeImageConfig, withAnonymousVolumes, type MergedProcess } from "#engine/merge-image-config.ts";
import { parseSignal } from "#engine/signals.ts";
import { configShape, hostConfigShape, maxItems, pickFields, readInteger } from "./host-config-shape.ts";
import type { DockerRecord } from "./records.ts";
import { toMounts, type MountOptions, type WantedVolume } from "./to-mounts.ts";
import { networkModeOf, portKey, toNamespaceMode, toNetworks } from "./to-networks.ts";
import { toLogConfig } from "./to-log-config.ts";
import { toProcessRequest } from "./to-process-request.ts";
import { toResources } from "./to-resources.ts";
import { toRestartPolicy } from "./to-restart-policy.ts";
import { toSecurity } from "./to-security.ts";

export type ConvertOptions = MountOptions & {
  readonly image: ImageDefaults;
  /** Full ids of the containers that `container:` modes name, by what the request says. */
  readonly containerIds: ReadonlyMap<string, string>;
};

export type ConvertedRequest = {
  readonly config: ContainerConfig;
  readonly labels: Labels;
  readonly record: DockerRecord;
  readonly runtimeHandler?: string;
  readonly wantedVolumes: readonly WantedVolume[];
  readonly warnings: readonly string[];
};

/**
 * Docker's create request as ours, with the image's defaults merged in.
 *
 * @throws invalidArgument for wrong types, for what Docker refuses, and for what would mean something that Ferry does not do
 */
export function toContainerConfig(body: JsonReader, options: ConvertOptions): ConvertedRequest {
  const host = body.at("HostConfig");
  refuseUnsupported(host);
  const merged = mergeImageConfig(options.image, toProcessRequest(body));
  const exposed = body.at("ExposedPorts").keys().map(portKey);
  const exposedPorts = [...new Set([...options.image.exposedPorts.map(portKey), ...exposed])];
  const network = toNetworks(body, { api: options.api, exposedPorts, containerIds: options.containerIds });
  const { mounts, wanted } = toMounts(host, options);
  const init = host.at("Init").boolean();
  const runtime = host.at("Runtime").optionalString() ?? "";
  const config: ContainerConfig = {
    ...defaultContainerConfig,
    args: merged.args,
    env: merged.env,
    workdir: absoluteWorkdir(merged.workdir),
    user: merged.user,
    additionalGroups: host.at("GroupAdd").strings(maxItems),
    hostname: body.at("Hostname").optionalString() ?? "",
    domainname: body.at("Domainname").optionalString() ?? "",
    tty: body.at("Tty").boolean(),
    stdin: body.at("OpenStdin").boolean() ? (body.at("StdinOnce").boolean() ? "once" : "open") : "none",
    stopSignal: checkedSignal(merged.stopSignal),
    stopTimeoutMs: merged.stopTimeoutMs,
    init,
    rootReadOnly: host.at("ReadonlyRootfs").boolean(),
    privileged: host.at("Privileged").boolean(),
    ...toSecurity(host),
    linuxNamespaces: {
      pid: toNamespaceMode(host.at("PidMode").optionalString() ?? "", "PID", options.containerIds),
      ipc: toNamespaceMode(host.at("IpcMode").optionalString() ?? "", "IPC", options.containerIds),
      uts: toNamespaceMode(host.at("UTSMode").optionalString() ?? "", "UTS", options.containerIds),
      cgroup: { t: host.at("CgroupnsMode").optionalString() === "host" ? "host" : "private" },
      network: network.mode,
    },
    mounts: withAnonymousVolumes(mounts, merged.volumes),
    ...toDevices(host),
    resources: toResources(host),
    rlimits: host.at("Ulimits").list(maxItems).map(toRlimit),
    sysctls: host.at("Sysctls").stringMap(),
    shmSizeBytes: readInteger(host.at("ShmSize")) || defaultContainerConfig.shmSizeBytes,
    oomScoreAdj: readInteger(host.at("OomScoreAdj")),
    cgroupParent: host.at("CgroupParent").optionalString() ?? "",
    networks: network.networks,
    ports: network.ports,
    extraHosts: host.at("ExtraHosts").strings(maxItems),
    dns: {
      servers: host.at("Dns").strings(maxItems),
      searches: host.at("DnsSearch").strings(maxItems),
      options: host.at("DnsOptions").strings(maxItems),
    },
    restart: toRestartPolicy(host),
    ...(merged.health === undefined ? {} : { health: merged.health }),
    autoRemove: host.at("AutoRemove").boolean(),
    log: toLogConfig(host.at("LogConfig")),
  };
  return {
    config,
    labels: merged.labels,
    record: toRecord(body, merged, exposedPorts),
    ...(runtime === "" ? {} : { runtimeHandler: runtime }),
    wantedVolumes: wanted,
    warnings: network.warnings,
  };
}

/** Fields that change what a container is and that Ferry does not act on. */
function refuseUnsupported(host: JsonReader): void {
  const refuse = (field: string, why = "not supported"): never => {
    throw new EngineError("invalidArgument", `HostConfig.${field}: ${why}`);
  };
  for (const field of ["Links", "DeviceRequests"]) if (host.at(field).list(maxItems).length > 0) refuse(field);
  if (host.at("StorageOpt").keys().length > 0) refuse("StorageOpt");
  for (const [field, accepted] of [
    ["VolumeDriver", ["", "local"]],
    ["Isolation", ["", "default"]],
    ["UsernsMode", ["", "host"]],
    ["Cgroup", [""]],
  ] as const) {
    const value = host.at(field).optionalString() ?? "";
    if (!accepted.some((one) => one === value)) refuse(field, `${JSON.stringify(value)} is not supported`);
  }
  const log = host.at("LogConfig").at("Type").optionalString() ?? "";
  if (!["", "json-file", "local", "none"].includes(log)) {
    throw new EngineError("invalidArgument", `logger: no log driver named '${log}' is registered`);
  }
}

/** As it was said; @throws invalidArgument when there is no such signal */
function checkedSignal(text: string): string {
  parseSignal(text);
  return text;
}

function absoluteWorkdir(path: string): string {
  if (path.startsWith("/")) return path;
  throw new EngineError(
    "invalidArgument",
    `the working directory '${path}' is invalid, it needs to be an absolute path`,
  );
}

function toDevices(host: JsonReader): Pick<ContainerConfig, "devices" | "deviceRules"> {
  return {
    devices: host
      .at("Devices")
      .list(maxItems)
      .map((device) => {
        const source = device.at("PathOnHost").string();
        return {
          source,
          destination: device.at("PathInContainer").optionalString() || source,
          access: device.at("CgroupPermissions").optionalString() || "rwm",
        };
      }),
    deviceRules: host.at("DeviceCgroupRules").strings(maxItems),
  };
}

function toRlimit(ulimit: JsonReader) {
  return {
    name: ulimit.at("Name").string(),
    soft: readInteger(ulimit.at("Soft")),
    hard: readInteger(ulimit.at("Hard")),
  };
}

function toRecord(body: JsonReader, merged: MergedProcess, exposedPorts: readonly string[]): DockerRecord {
  const host = body.at("HostConfig");
  const config: JsonObject = {
    ...pickFields(body, configShape),
    Env: [...merged.env],
    Cmd: [...merged.command],
    Entrypoint: [...merged.entrypoint],
    User: merged.user,
    WorkingDir: merged.workdir === "/" ? (body.at("WorkingDir").optionalString() ?? "") : merged.workdir,
    ...(exposedPorts.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [port, {}])) }),
    ...(merged.volumes.length === 0 ? {} : { Volumes: Object.fromEntries(merged.volumes.map((path) => [path, {}])) }),
  };
  // Labels are the container's own; the image is its own too.
  delete config["Labels"];
  delete config["Image"];
  return {
    config,
    hostConfig: { ...pickFields(host, hostConfigShape), NetworkMode: networkModeOf(host) },
    endpoints: body.at("NetworkingConfig").at("EndpointsConfig").isPresent
      ? (body.at("NetworkingConfig").at("EndpointsConfig").object() as JsonObject)
      : {},
  };
}
