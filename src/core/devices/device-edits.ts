/** What a device asks of a container. Plain JSON. Source: CNCF container-device-interface, SPEC.md, containerEdits. */
export type DeviceEdits = {
  /** `KEY=value`, over the container's own. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly DeviceNode[];
  readonly mounts: readonly DeviceMount[];
  readonly hooks: readonly DeviceHook[];
  readonly additionalGids: readonly number[];
  readonly intelRdt?: IntelRdt;
};

/** What is left out is as of the node on the host. */
export type DeviceNode = {
  /** In the container. */
  readonly path: string;
  /** Left out: as in the container. */
  readonly hostPath?: string;
  readonly type?: "b" | "c" | "u" | "p";
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  /** `rwm`; empty: all of it. */
  readonly permissions: string;
  /** Left out: the container's process's. */
  readonly uid?: number;
  readonly gid?: number;
};

export type DeviceMount = {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Empty: a bind mount. */
  readonly type: string;
  readonly options: readonly string[];
};

export type DeviceHook = {
  readonly name: (typeof hookNames)[number];
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeoutSeconds?: number;
};

/** Source: opencontainers/runtime-spec config.md, POSIX-platform hooks. */
export const hookNames = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

export type IntelRdt = {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
};
