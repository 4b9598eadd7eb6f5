import type { JsonObject } from "#base/json.ts";
import type { PortProtocol } from "#core/networks/network.ts";
import type { DeviceEdits } from "#core/devices/device-edits.ts";
import type { UserNamespace } from "#core/sandboxes/user-namespace.ts";
import type { Resources } from "#core/tasks/resources.ts";

/** A linux namespace: its own, the host's, another container's (64-digit id), or the one pinned at a path. */
export type LinuxNamespaceMode =
  | { readonly t: "private" }
  | { readonly t: "host" }
  | { readonly t: "container"; readonly containerId: string }
  | { readonly t: "path"; readonly path: string };

export type ContainerMount =
  | {
      readonly t: "bind";
      readonly source: string;
      readonly destination: string;
      readonly readOnly: boolean;
      /** Submounts read-only too. */
      readonly recursiveReadOnly: boolean;
      readonly nonRecursive: boolean;
      readonly propagation: "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
      /** Its files have the ids of the container's user namespace: root's on disk are its root's. */
      readonly idMapped?: boolean;
      /** Make the source as a directory when missing (`-v`); without it a missing source is an error (`--mount`). */
      readonly createSource: boolean;
    }
  | {
      readonly t: "volume";
      readonly name: string;
      readonly destination: string;
      readonly readOnly: boolean;
      /** Do not copy image content into an empty volume. */
      readonly noCopy: boolean;
      /** Made for this container alone. */
      readonly anonymous: boolean;
      readonly subpath?: string;
    }
  | {
      /** The tree of an image, read-only. */
      readonly t: "image";
      readonly reference: string;
      readonly destination: string;
      /** Within the image. */
      readonly subpath?: string;
    }
  | { readonly t: "tmpfs"; readonly destination: string; readonly options: readonly string[] };

export type DeviceMapping = { readonly source: string; readonly destination: string; readonly access: string };

/** `maxRetries` 0 with `on-failure` is without bound. */
export type RestartPolicy = {
  readonly name: "no" | "always" | "unless-stopped" | "on-failure";
  readonly maxRetries: number;
};

export type HealthCheck = {
  /** `["CMD", …]` or `["CMD-SHELL", "…"]`. */
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
};

export type NetworkRequest = {
  /** Name or id. */
  readonly network: string;
  readonly aliases: readonly string[];
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly macAddress?: string;
};

export type PortRequest = {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  readonly hostIp: string;
  /** 0: any free one. */
  readonly hostPort: number;
};

/**
 * What a container is to be, in our own terms: every surface translates its request to this, image defaults already
 * merged in. Plain JSON: it is stored as it stands.
 */
export type ContainerConfig = {
  /** Entrypoint and command in one; not empty. */
  readonly args: readonly string[];
  /** `KEY=value`. */
  readonly env: readonly string[];
  readonly workdir: string;
  /** `uid[:gid]` or names, looked up in the image's own files; empty is root. */
  readonly user: string;
  readonly additionalGroups: readonly string[];
  /**
   * Whether groups that the image's files give the user count: always, never, or (undefined) as Docker has it, only
   * without a group in `user`.
   */
  readonly groupPolicy?: "merge" | "strict";
  readonly hostname: string;
  readonly domainname: string;
  readonly tty: boolean;
  readonly stdin: "none" | "open" | "once";
  readonly stopSignal: string;
  readonly stopTimeoutMs: number;
  /** Run a small init as pid 1. */
  readonly init: boolean;

  readonly rootReadOnly: boolean;
  readonly privileged: boolean;
  readonly noNewPrivileges: boolean;
  readonly capabilities: {
    readonly add: readonly string[];
    readonly drop: readonly string[];
    /** What a user other than root has too, and the programs that it starts. */
    readonly ambient?: readonly string[];
  };
  readonly seccomp:
    | { readonly t: "default" }
    | { readonly t: "unconfined" }
    | { readonly t: "profile"; readonly profile: JsonObject };
  readonly apparmorProfile?: string;
  /** Undefined: the default list. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Left out: the host's. */
  readonly userNamespace?: UserNamespace;
  readonly linuxNamespaces: Readonly<Record<"pid" | "ipc" | "uts" | "cgroup" | "network", LinuxNamespaceMode>>;

  readonly mounts: readonly ContainerMount[];
  readonly devices: readonly DeviceMapping[];
  /** Of devices that a catalog describes. */
  readonly deviceEdits?: DeviceEdits;
  /** `c 1:3 rwm`, as Docker's. */
  readonly deviceRules: readonly string[];
  readonly resources: Resources;
  readonly rlimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly shmSizeBytes: number;
  readonly oomScoreAdj: number;
  readonly cgroupParent: string;

  /** Empty when `linuxNamespaces.network` is not private, or private with no network (`none`). The first is the primary one. */
  readonly networks: readonly NetworkRequest[];
  readonly ports: readonly PortRequest[];
  /** `name:address`. */
  readonly extraHosts: readonly string[];
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };

  readonly restart: RestartPolicy;
  readonly health?: HealthCheck;
  readonly autoRemove: boolean;
  readonly log: { readonly maxBytes?: number; readonly maxFiles: number };
};
