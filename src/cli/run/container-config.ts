import { readFileSync } from "node:fs";
import { CliError } from "../cli-error.ts";
import type { Flags } from "../flags.ts";
import { readEnvironment, readPairFile } from "./environment.ts";
import { parseMount, parseTmpfs, parseVolumeFlag } from "./mounts.ts";
import { readNetworks, type NetworkChoice } from "./network-flags.ts";
import { parseDurationNs } from "#base/go-duration.ts";
import * as values from "./parse-values.ts";
import { parsePorts } from "./ports.ts";

export type ContainerRequest = {
  /** Body of `POST /containers/create`. */
  readonly body: Record<string, unknown>;
  readonly networks: NetworkChoice;
};

/** Makes the request body from the flags of `run` and `create`, without talking to anybody. @throws CliError */
export function readContainerRequest(flags: Flags, image: string, command: readonly string[]): ContainerRequest {
  refuse(flags);
  const networks = readNetworks(flags);
  const ports = parsePortFlags(flags);
  return {
    networks,
    body: compact({
      ...processConfig(flags, image, command),
      Healthcheck: readHealthcheck(flags),
      ExposedPorts: unlessEmpty(ports.exposed),
      Volumes: unlessEmpty(anonymousVolumes(flags)),
      HostConfig: compact({
        ...isolation(flags),
        ...resources(flags),
        ...storage(flags),
        NetworkMode: networks.mode,
        PortBindings: unlessEmpty(ports.bindings),
        PublishAllPorts: onlyTrue(flags, "publish-all"),
        Dns: many(flags, "dns"),
        DnsOptions: many(flags, "dns-option"),
        DnsSearch: many(flags, "dns-search"),
        ExtraHosts: many(flags, "add-host")?.map((entry) => entry.replace(/^([^:=]+)=/, "$1:")),
        Links: networks.endpoints.size === 0 ? many(flags, "link") : undefined,
        AutoRemove: onlyTrue(flags, "rm"),
        RestartPolicy: flags.parsed("restart", values.parseRestartPolicy),
        Init: onlyTrue(flags, "init"),
        LogConfig: readLog(flags),
        Annotations: pairs(flags, "annotation"),
      }),
      NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks.endpoints) },
    }),
  };
}

function refuse(flags: Flags): void {
  const conflicts: readonly (readonly [boolean, string])[] = [
    [flags.has("gpus"), "--gpus: GPU devices are not supported; pass the device itself: --device /dev/…"],
    [
      flags.bool("rm") && !["no", "", undefined].includes(flags.text("restart")),
      "conflicting options: cannot specify both --restart and --rm",
    ],
    [flags.bool("no-healthcheck") && flags.has("health-cmd"), "--no-healthcheck conflicts with --health-* options"],
    [flags.bool("detach") && flags.has("attach"), "conflicting options: cannot specify both --attach and --detach"],
  ];
  const found = conflicts.find(([is]) => is);
  if (found !== undefined) throw new CliError(found[1], { exitCode: 125 });
}

function processConfig(flags: Flags, image: string, command: readonly string[]): Record<string, unknown> {
  const entrypoint = flags.text("entrypoint");
  const streams = attachedStreams(flags);
  const stdin = flags.bool("interactive");
  return {
    Image: image,
    Cmd: command.length > 0 ? command : undefined,
    Entrypoint: entrypoint === undefined ? undefined : [entrypoint],
    Env: readEnvironment(flags.list("env-file"), flags.list("env")),
    Hostname: flags.text("hostname"),
    Domainname: flags.text("domainname"),
    User: flags.text("user"),
    WorkingDir: flags.text("workdir"),
    Labels: values.parsePairs([...flags.list("label-file").flatMap(readPairFile), ...flags.list("label")]),
    StopSignal: flags.text("stop-signal"),
    StopTimeout: flags.int("stop-timeout"),
    MacAddress: flags.text("mac-address"),
    Tty: flags.bool("tty"),
    OpenStdin: stdin,
    AttachStdin: streams.stdin,
    StdinOnce: streams.stdin && stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
  };
}

/** Which streams a foreground `run` takes, and what the container is told of it. */
export function attachedStreams(flags: Flags): { stdin: boolean; stdout: boolean; stderr: boolean } {
  if (flags.bool("detach")) return { stdin: false, stdout: false, stderr: false };
  const named = flags.list("attach").map((name) => name.toLowerCase());
  const unknown = named.find((name) => !["stdin", "stdout", "stderr"].includes(name));
  if (unknown !== undefined) {
    throw new CliError(`invalid argument "${unknown}" for --attach: valid streams are STDIN, STDOUT and STDERR`, {
      exitCode: 125,
    });
  }
  if (named.length === 0) return { stdin: flags.bool("interactive"), stdout: true, stderr: true };
  return { stdin: named.includes("stdin"), stdout: named.includes("stdout"), stderr: named.includes("stderr") };
}

function isolation(flags: Flags): Record<string, unknown> {
  return {
    CapAdd: many(flags, "cap-add"),
    CapDrop: many(flags, "cap-drop"),
    Privileged: onlyTrue(flags, "privileged"),
    SecurityOpt: many(flags, "security-opt")?.map(readSecurityOption),
    GroupAdd: many(flags, "group-add"),
    PidMode: flags.text("pid"),
    IpcMode: flags.text("ipc"),
    UTSMode: flags.text("uts"),
    UsernsMode: flags.text("userns"),
    CgroupnsMode: flags.text("cgroupns"),
    Cgroup: undefined,
    CgroupParent: flags.text("cgroup-parent"),
    Isolation: flags.text("isolation"),
    Runtime: flags.text("runtime"),
    Sysctls: pairs(flags, "sysctl"),
    OomScoreAdj: flags.int("oom-score-adj"),
  };
}

/** A seccomp profile is read here and sent whole: the daemon may not see our files. */
function readSecurityOption(text: string): string {
  const match = /^seccomp[=:](.+)$/.exec(text);
  const path = match?.[1];
  if (path === undefined || path === "unconfined" || path === "builtin") return text.replace(":", "=");
  try {
    return `seccomp=${JSON.stringify(JSON.parse(readFileSync(path, "utf8")))}`;
  } catch (error) {
    throw new CliError(`--security-opt seccomp=${path}: not a readable JSON file`, { exitCode: 125, cause: error });
  }
}

/** Limits, shared with `update`. */
export function resources(flags: Flags): Record<string, unknown> {
  const rates = (name: string, counted: boolean) =>
    unlessNone(flags.parsedList(name, (text) => values.parseDeviceRate(text, counted)));
  return {
    Memory: flags.parsed("memory", values.parseSize),
    MemoryReservation: flags.parsed("memory-reservation", values.parseSize),
    MemorySwap: flags.parsed("memory-swap", values.parseSizeOrUnlimited),
    MemorySwappiness: flags.int("memory-swappiness"),
    KernelMemory: flags.parsed("kernel-memory", values.parseSize),
    OomKillDisable: onlyTrue(flags, "oom-kill-disable"),
    NanoCpus: flags.parsed("cpus", values.parseCpus),
    CpuShares: flags.int("cpu-shares"),
    CpuPeriod: flags.int("cpu-period"),
    CpuQuota: flags.int("cpu-quota"),
    CpuRealtimePeriod: flags.int("cpu-rt-period"),
    CpuRealtimeRuntime: flags.int("cpu-rt-runtime"),
    CpusetCpus: flags.text("cpuset-cpus"),
    CpusetMems: flags.text("cpuset-mems"),
    PidsLimit: flags.int("pids-limit"),
    BlkioWeight: flags.int("blkio-weight"),
    BlkioWeightDevice: unlessNone(flags.parsedList("blkio-weight-device", values.parseDeviceWeight)),
    BlkioDeviceReadBps: rates("device-read-bps", false),
    BlkioDeviceWriteBps: rates("device-write-bps", false),
    BlkioDeviceReadIOps: rates("device-read-iops", true),
    BlkioDeviceWriteIOps: rates("device-write-iops", true),
    Ulimits: unlessNone(flags.parsedList("ulimit", values.parseUlimit)),
    Devices: unlessNone(flags.parsedList("device", values.parseDevice)),
    DeviceCgroupRules: many(flags, "device-cgroup-rule"),
  };
}

function storage(flags: Flags): Record<string, unknown> {
  const binds = flags.parsedList("volume", parseVolumeFlag).flatMap((one) => ("bind" in one ? [one.bind] : []));
  return {
    Binds: unlessNone(binds),
    Mounts: unlessNone(flags.parsedList("mount", parseMount)),
    Tmpfs: unlessEmpty(Object.fromEntries(flags.parsedList("tmpfs", parseTmpfs))),
    VolumesFrom: many(flags, "volumes-from"),
    VolumeDriver: flags.text("volume-driver"),
    ShmSize: flags.parsed("shm-size", values.parseSize),
    ReadonlyRootfs: onlyTrue(flags, "read-only"),
    StorageOpt: pairs(flags, "storage-opt"),
  };
}

function anonymousVolumes(flags: Flags): Record<string, object> {
  const volumes = flags.parsedList("volume", parseVolumeFlag);
  return Object.fromEntries(volumes.flatMap((one) => ("anonymous" in one ? [[one.anonymous, {}]] : [])));
}

function parsePortFlags(flags: Flags) {
  try {
    return parsePorts(flags.list("publish"), flags.list("expose"));
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), { exitCode: 125 });
  }
}

function readHealthcheck(flags: Flags): Record<string, unknown> | undefined {
  if (flags.bool("no-healthcheck")) return { Test: ["NONE"] };
  const command = flags.text("health-cmd");
  const duration = (name: string) => flags.parsed(name, parseDurationNs);
  const check = compact({
    Test: command === undefined ? undefined : ["CMD-SHELL", command],
    Interval: duration("health-interval"),
    Timeout: duration("health-timeout"),
    StartPeriod: duration("health-start-period"),
    StartInterval: duration("health-start-interval"),
    Retries: flags.int("health-retries"),
  });
  return unlessEmpty(check);
}

function readLog(flags: Flags): Record<string, unknown> | undefined {
  const type = flags.text("log-driver");
  const config = pairs(flags, "log-opt");
  return type === undefined && config === undefined ? undefined : { Type: type ?? "", Config: config ?? {} };
}

function many(flags: Flags, name: string): string[] | undefined {
  return unlessNone([...flags.list(name)]);
}

function pairs(flags: Flags, name: string): Record<string, string> | undefined {
  return unlessEmpty(values.parsePairs(flags.list(name)));
}

function onlyTrue(flags: Flags, name: string): true | undefined {
  return flags.bool(name) ? true : undefined;
}

function unlessNone<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function unlessEmpty<T extends object>(record: T): T | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}

function compact(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
