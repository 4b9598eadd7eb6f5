import { dirname, join } from "node:path";
import type { JsonObject } from "#base/json.ts";
import type { ContainerStatus } from "#core/containers/container-status.ts";
import type { Container } from "#core/containers/container.ts";
import { goTime } from "../go-time.ts";
import { recordOf, type DockerRecord } from "./records.ts";
import { stateName } from "./status-text.ts";
import { toAddresses, toEndpoints } from "./to-endpoints.ts";
import { toHostConfig } from "./to-host-config.ts";
import { toMountPoints, type VolumePaths } from "./to-mount-points.ts";
import { toPortMap } from "./to-ports.ts";

export type InspectOptions = {
  readonly api: number;
  readonly volumes: VolumePaths;
  readonly execIds: readonly string[];
  /** Where `/etc/hosts` and its like are; left out: beside the log. */
  readonly filesDirectory?: string;
  readonly size?: { readonly writableBytes: number; readonly rootBytes: number };
};

/** `docker inspect` of a container. Source: moby api/types/container/container.go, InspectResponse. */
export function toInspect(container: Container, options: InspectOptions): JsonObject {
  const record = recordOf(container);
  const [path = "", ...args] = container.config.args;
  const files = options.filesDirectory ?? dirname(container.logPath);
  const snapshotter = container.snapshotter;
  return {
    Id: container.id,
    Created: goTime(container.createdAtNs),
    Path: path,
    Args: args,
    State: toState(container.status),
    Image: container.image.id,
    ResolvConfPath: join(files, "resolv.conf"),
    HostnamePath: join(files, "hostname"),
    HostsPath: join(files, "hosts"),
    LogPath: container.logPath,
    Name: `/${container.name}`,
    RestartCount: container.status.restartCount,
    Driver: snapshotter,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: container.config.apparmorProfile ?? "",
    ExecIDs: options.execIds.length > 0 ? [...options.execIds] : null,
    HostConfig: {
      ...toHostConfig(container, record),
      ...(options.api < 42 ? { KernelMemory: 0, KernelMemoryTCP: 0 } : {}),
    },
    ...(options.api < 52
      ? { GraphDriver: { Name: snapshotter, Data: null } }
      : { Storage: { RootFS: { Snapshot: { Name: snapshotter } } } }),
    ...(options.size === undefined ? {} : { SizeRw: options.size.writableBytes, SizeRootFs: options.size.rootBytes }),
    Mounts: toMountPoints(container, record, options.volumes),
    Config: toConfig(container, record, options.api),
    NetworkSettings: toNetworkSettings(container, record, options.api),
    ...(options.api < 48 ? {} : { ImageManifestDescriptor: null }),
  };
}

function toState(status: ContainerStatus): JsonObject {
  const isUp = status.state === "running" || status.state === "paused" || status.state === "restarting";
  return {
    Status: stateName(status),
    Running: isUp,
    Paused: status.state === "paused",
    Restarting: status.state === "restarting",
    OOMKilled: status.oomKilled,
    Dead: status.state === "dead",
    Pid: status.pid,
    ExitCode: status.exitCode,
    Error: status.error,
    StartedAt: goTime(status.startedAtNs),
    FinishedAt: goTime(status.finishedAtNs),
    ...(status.health === undefined ? {} : { Health: toHealth(status.health) }),
  };
}

function toHealth(health: NonNullable<ContainerStatus["health"]>): JsonObject {
  return {
    Status: health.status,
    FailingStreak: health.failingStreak,
    Log: health.log.map((entry) => ({
      Start: goTime(entry.startedAtNs),
      End: goTime(entry.endedAtNs),
      ExitCode: entry.exitCode,
      Output: entry.output,
    })),
  };
}

function toConfig(container: Container, { config: asked }: DockerRecord, api: number): JsonObject {
  const { config } = container;
  const { MacAddress: macAddress, ...rest } = asked;
  return {
    Hostname: config.hostname || container.id.slice(0, 12),
    Domainname: config.domainname,
    User: config.user,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: config.tty,
    OpenStdin: config.stdin !== "none",
    StdinOnce: config.stdin === "once",
    Env: [...config.env],
    Cmd: [...config.args],
    Image: container.image.reference,
    Volumes: null,
    WorkingDir: config.workdir === "/" ? "" : config.workdir,
    Entrypoint: null,
    OnBuild: null,
    ...rest,
    ...emptyToNull(rest, "Cmd", "Entrypoint"),
    Labels: { ...container.labels },
    ...(macAddress !== undefined && api < 52 ? { MacAddress: macAddress } : {}),
  };
}

/** Docker has null where there is no command or entrypoint. */
function emptyToNull(object: JsonObject, ...keys: string[]): JsonObject {
  const empty = keys.filter((key) => Array.isArray(object[key]) && object[key].length === 0);
  return Object.fromEntries(empty.map((key) => [key, null]));
}

function toNetworkSettings(container: Container, record: DockerRecord, api: number): JsonObject {
  const sandboxKey = container.attachments.length > 0 ? `/run/docker/netns/${container.id.slice(0, 12)}` : "";
  const current = {
    SandboxID: container.attachments.length > 0 ? container.id : "",
    SandboxKey: sandboxKey,
    Ports: toPortMap(container, record),
    Networks: toEndpoints(container, record, api),
  };
  if (api >= 52) return current;
  const bridge = container.attachments.find(({ networkName }) => networkName === "bridge");
  return {
    Bridge: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.endpointId ?? "",
    MacAddress: bridge?.macAddress ?? "",
    ...toAddresses(bridge),
    ...current,
  };
}
