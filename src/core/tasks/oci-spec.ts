import type { JsonObject } from "#base/json.ts";
import type { IntelRdt } from "#core/devices/device-edits.ts";

/** `config.json` of an OCI bundle, as far as we write it. Source: opencontainers/runtime-spec config.md, config-linux.md. */
export type OciSpec = {
  ociVersion: string;
  process: OciProcess;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: OciMount[];
  hooks?: JsonObject;
  annotations?: Record<string, string>;
  linux: OciLinux;
};

export type OciUser = { uid: number; gid: number; umask?: number; additionalGids?: number[] };

export type OciProcess = {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user: OciUser;
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Partial<Record<"bounding" | "effective" | "inheritable" | "permitted" | "ambient", string[]>>;
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
};

export type OciMount = {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
};

export type OciIdMapping = { containerID: number; hostID: number; size: number };

export type OciLinux = {
  namespaces: { type: "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time"; path?: string }[];
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
  devices?: {
    type: "c" | "b" | "u" | "p";
    path: string;
    major: number;
    minor: number;
    fileMode?: number;
    uid?: number;
    gid?: number;
  }[];
  cgroupsPath?: string;
  resources?: OciResources;
  seccomp?: JsonObject;
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: string;
  mountLabel?: string;
  intelRdt?: IntelRdt;
};

export type OciResources = {
  devices?: { allow: boolean; type?: string; major?: number; minor?: number; access?: string }[];
  memory?: { limit?: number; reservation?: number; swap?: number; swappiness?: number; disableOOMKiller?: boolean };
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO?: {
    weight?: number;
    weightDevice?: { major: number; minor: number; weight: number }[];
    throttleReadBpsDevice?: { major: number; minor: number; rate: number }[];
    throttleWriteBpsDevice?: { major: number; minor: number; rate: number }[];
    throttleReadIOPSDevice?: { major: number; minor: number; rate: number }[];
    throttleWriteIOPSDevice?: { major: number; minor: number; rate: number }[];
  };
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: Record<string, string>;
};
