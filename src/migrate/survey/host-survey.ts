import type { Missing } from "../cluster/cluster-facts.ts";
import type { DoctorFacts } from "../containerd-config/doctor-facts.ts";
import type { DockerHost } from "../convert/docker-host.ts";
import type { DaemonSettings } from "../docker-config/decode-daemon-json.ts";
import type { DockerUnit } from "../docker-config/decode-docker-unit.ts";
import type { DockerLogin } from "../docker-config/decode-login.ts";
import type { NodeFacts } from "../host/read-node.ts";
import type { HostText } from "../host/read-unit.ts";
import type { Fact } from "../host/source.ts";
import type { DockerContainer } from "../images/docker-store/docker-containers.ts";
import type { DockerVolume } from "../images/docker-store/docker-volumes.ts";
import type { LedgerEntry } from "../ledger/ledger.ts";

/** All that checks of a node look at. */
export type HostSurvey = {
  /** Where it was read: `/`, or a copy's directory. */
  readonly directory: string;
  readonly isRunning: boolean;
  readonly node: NodeFacts;
  readonly docker: DockerHost;
  /** `daemon.json` and dockerd's flags as one. */
  readonly settings: DaemonSettings;
  readonly unit: DockerUnit;
  /** What converting that configuration would lose. */
  readonly lost: readonly LedgerEntry[];
  readonly logins: readonly DockerLogin[];
  /** containerd's configuration, and what its doctor asks beside it. */
  readonly doctor: DoctorFacts;
  /** Runtime sockets that are there. */
  readonly sockets: readonly string[];
  readonly containers: readonly DockerContainer[];
  readonly volumes: readonly DockerVolume[];
  /** Names of images that came from no registry. */
  readonly localImages: readonly Fact<string>[];
  readonly dataRoot: DataRootFacts;
  readonly space: SpaceFacts | undefined;
  /** Scripts, timers and units with a line about Docker. */
  readonly scripts: readonly HostText[];
  /** Network interfaces; empty for a copy. */
  readonly interfaces: readonly string[];
  /** `iptables-save`; undefined where nobody can be asked. */
  readonly firewall: string | undefined;
  readonly dockerGroup: Fact<readonly string[]> | undefined;
  readonly socketUsers: readonly SocketUser[];
  readonly podCgroups: readonly Fact<"cgroupfs" | "systemd" | "mismatch">[];
  readonly logLinks: { readonly count: number; readonly first: Fact<string> | undefined };
  readonly mounts: readonly Fact<string>[];
  readonly systemdVersion: Fact<number> | undefined;
  readonly selinux: Fact<string> | undefined;
  /** Of those that fight over names or files. */
  readonly packages: ReadonlyMap<string, Fact<string>>;
  /** Lines of kubelet's and runtimes' logs that tell of a known error. */
  readonly journal: readonly Fact<string>[];
  readonly missing: readonly Missing[];
};

export type DataRootFacts = {
  readonly path: string;
  /** Directories `UID.GID` that userns-remap made. */
  readonly remapped: readonly string[];
  readonly drivers: readonly string[];
  readonly hasSwarm: boolean;
  /** Docker keeps its images in containerd. */
  readonly hasContainerdStore: boolean;
};

/** Bytes and inodes, of a running host. */
export type SpaceFacts = {
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly onOneFilesystem: boolean;
};

export type SocketUser = { readonly pid: number; readonly program: string; readonly unit: string | undefined };
