import type { JsonObject, JsonValue } from "#base/json.ts";
import type { JsonReader } from "#base/json-reader.ts";

/** What a field holds; Go's clients refuse an answer where one has another type. */
type FieldKind = "string" | "integer" | "boolean" | "strings" | "stringMap" | "object" | "objects" | "integers";

/** Docker's HostConfig. Source: moby api/types/container/hostconfig.go. */
export const hostConfigShape: Readonly<Record<string, FieldKind>> = {
  ...fields("string", "CgroupParent", "CpusetCpus", "CpusetMems", "ContainerIDFile", "NetworkMode", "VolumeDriver"),
  ...fields("string", "CgroupnsMode", "IpcMode", "Cgroup", "PidMode", "UTSMode", "UsernsMode", "Runtime", "Isolation"),
  ...fields("integer", "CpuShares", "Memory", "NanoCpus", "BlkioWeight", "CpuPeriod", "CpuQuota", "OomScoreAdj"),
  ...fields("integer", "CpuRealtimePeriod", "CpuRealtimeRuntime", "KernelMemory", "KernelMemoryTCP", "ShmSize"),
  ...fields("integer", "MemoryReservation", "MemorySwap", "MemorySwappiness", "PidsLimit", "CpuCount", "CpuPercent"),
  ...fields("integer", "IOMaximumIOps", "IOMaximumBandwidth"),
  ...fields("boolean", "OomKillDisable", "AutoRemove", "Privileged", "PublishAllPorts", "ReadonlyRootfs", "Init"),
  ...fields("strings", "DeviceCgroupRules", "Binds", "VolumesFrom", "CapAdd", "CapDrop", "Dns", "DnsOptions"),
  ...fields("strings", "DnsSearch", "ExtraHosts", "GroupAdd", "Links", "SecurityOpt", "MaskedPaths", "ReadonlyPaths"),
  ...fields("stringMap", "Annotations", "StorageOpt", "Tmpfs", "Sysctls"),
  ...fields("object", "LogConfig", "RestartPolicy", "PortBindings"),
  ...fields("objects", "BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps"),
  ...fields("objects", "BlkioDeviceWriteIOps", "Devices", "DeviceRequests", "Ulimits", "Mounts"),
  ...fields("integers", "ConsoleSize"),
};

/** Docker's Config. Source: moby api/types/container/config.go. */
export const configShape: Readonly<Record<string, FieldKind>> = {
  ...fields("string", "Hostname", "Domainname", "User", "Image", "WorkingDir", "StopSignal", "MacAddress"),
  ...fields("boolean", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"),
  ...fields("boolean", "NetworkDisabled", "ArgsEscaped"),
  ...fields("strings", "Env", "OnBuild", "Shell"),
  ...fields("stringMap", "Labels"),
  ...fields("object", "ExposedPorts", "Volumes", "Healthcheck"),
  ...fields("integer", "StopTimeout"),
};

/**
 * The members of `reader` that are in `shape` and say something: no null, no zero, nothing empty.
 *
 * @throws invalidArgument for a member of another type
 */
export function pickFields(reader: JsonReader, shape: Readonly<Record<string, FieldKind>>): JsonObject {
  const picked: JsonObject = {};
  for (const key of reader.keys()) {
    const kind = shape[key];
    if (kind === undefined) continue;
    const value = readField(reader.at(key), kind);
    if (value !== undefined && !isEmpty(value)) picked[key] = value;
  }
  return picked;
}

function readField(reader: JsonReader, kind: FieldKind): JsonValue | undefined {
  if (!reader.isPresent) return undefined;
  switch (kind) {
    case "string":
      return reader.string();
    case "integer":
      return readInteger(reader);
    case "boolean":
      return reader.boolean();
    case "strings":
      return reader.strings(maxItems);
    case "integers":
      return reader.list(maxItems).map(readInteger);
    case "stringMap":
      return reader.stringMap();
    case "object":
      return reader.object() as JsonObject;
    case "objects":
      return reader.list(maxItems).map((item) => item.object() as JsonObject);
    default:
      return kind satisfies never;
  }
}

/** Most members a list of a request may have. */
export const maxItems = 4096;

/** A whole number, 0 where it is absent. @throws invalidArgument */
export function readInteger(reader: JsonReader): number {
  const value = reader.optionalNumber() ?? 0;
  return Number.isInteger(value) ? value : reader.fail("is not an integer");
}

function isEmpty(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return !value;
  return !Array.isArray(value) && Object.keys(value).length === 0;
}

function fields(kind: FieldKind, ...names: string[]): Record<string, FieldKind> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}
