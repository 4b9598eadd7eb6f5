import type { ContainerId } from "#core/containers/container.ts";

/** A process's identity, resolved against the image's own files; see `resolveUser`. */
export type ResolvedUser = {
  readonly uid: number;
  readonly gid: number;
  /** Includes `gid`, as Docker has it. */
  readonly additionalGids: readonly number[];
  readonly home: string;
};

/** A device node of the host and where it goes. */
export type SpecDevice = {
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
  /** Path in the container. */
  readonly path: string;
  /** `rwm`: what the device cgroup allows; undefined adds the node without a rule. */
  readonly access?: string;
};

/** What does not change while the daemon runs; see `readHostFacts`. */
export type HostFacts = {
  /** Node's name of the architecture: `x64`, `arm64`. */
  readonly arch: string;
  readonly kernel: { readonly major: number; readonly minor: number };
  /** All the kernel knows, `CAP_CHOWN` first, cut to the daemon's own bounding set. */
  readonly capabilities: readonly string[];
  readonly cgroupVersion: 1 | 2;
  readonly seccomp: boolean;
  /** Whether POSIX message queues are mounted on the host; undefined: they are. */
  readonly mqueue?: boolean;
  readonly apparmor: boolean;
  /** The kernel enforces SELinux policies, or would. */
  readonly selinux?: boolean;
  /** What confines containers that name no profile; undefined: none that is known is loaded. */
  readonly defaultApparmorProfile?: string;
  /** Swap can be limited. */
  readonly swapLimit: boolean;
  /** Default sysctls that this kernel has. */
  readonly sysctls: ReadonlySet<string>;
  /** Paths that exist on this machine and leak what the host does, masked beside the fixed list. */
  readonly maskedPaths: readonly string[];
  /** Hard limits of the daemon where it cannot raise them (no CAP_SYS_RESOURCE); undefined: any limit can be set. */
  readonly rlimitCeilings?: Readonly<Record<string, number>>;
  /** Score below which the kernel refuses to go; undefined: any. */
  readonly oomScoreFloor?: number;
};

/** What was found out about one container before its spec is written. */
export type SpecFacts = {
  readonly containerId: ContainerId;
  readonly host: HostFacts;
  readonly runtime: { readonly cgroupDriver: "cgroupfs" | "systemd"; readonly recursiveReadOnly: boolean };
  /** Mounted root directory. */
  readonly rootPath: string;
  readonly user: ResolvedUser;
  /**
   * Linux namespaces to join: for mode `container`, `/proc/<pid>/ns/<type>`; for a private network, the pinned one.
   * A private namespace without a path is made by the runtime.
   */
  readonly linuxNamespacePaths: Readonly<Partial<Record<"pid" | "ipc" | "uts" | "cgroup" | "network", string>>>;
  /** Files of the host mounted at `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`, where nothing else is mounted there. */
  readonly etcFiles: { readonly hosts?: string; readonly hostname?: string; readonly resolvConf?: string };
  /** Host path of each volume, image and id-mapped mount, by destination. */
  readonly volumePaths: ReadonlyMap<string, string>;
  /** Host directory for `/dev/shm` where IPC is shared (`/dev/shm` for host mode, `/proc/<pid>/root/dev/shm`); undefined makes one. */
  readonly shmPath?: string;
  /** From `config.devices`, and for a privileged container every device of the host. */
  readonly devices: readonly SpecDevice[];
  /** Numbers of the block devices that the resources name, by path. */
  readonly blockDevices: ReadonlyMap<string, { major: number; minor: number }>;
  /** Parent cgroup where the config names none: a path (cgroupfs) or a slice (systemd). */
  readonly defaultCgroupParent: string;
  /** Binary of the host that becomes pid 1 with `config.init`. */
  readonly initPath?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};
