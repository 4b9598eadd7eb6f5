import type { Fact } from "../host/source.ts";
import type { CommandLine } from "../host/command-line.ts";
import type { HostText, Unit } from "../host/read-unit.ts";

/** What is read of a host to convert its Docker's configuration; whatever is not there is left out. */
export type DockerHost = {
  readonly daemonJson?: HostText;
  /** `docker.service` with its drop-ins, and what it starts dockerd with. */
  readonly unit?: Unit;
  readonly commandLine?: CommandLine;
  /** Everything below `/etc/docker/certs.d`. */
  readonly certificates: readonly HostText[];
  /** `config.json` of docker login, wherever one was found. */
  readonly logins: readonly HostText[];
  readonly kubelet: KubeletSettings;
  /** References of images in use: registries behind an address range are found there. */
  readonly images: readonly string[];
  /** `config.toml` of the containerd that is there: what it says stays, unless Docker was told otherwise. */
  readonly containerdConfig?: HostText;
  /** The same for Ferry. */
  readonly ferryConfig?: HostText;
  readonly cgroupVersion?: 1 | 2;
};

/** What the kubelet was told that the runtime must agree with. */
export type KubeletSettings = {
  readonly cgroupDriver?: Fact<string>;
  readonly podInfraContainerImage?: Fact<string>;
  readonly cniConfDir?: Fact<string>;
  /** Comma-separated, as the flag takes it. */
  readonly cniBinDir?: Fact<string>;
  /** Flags for dockershim alone that cri-dockerd takes by the same name, by name without dashes. */
  readonly dockershimFlags?: Readonly<Record<string, Fact<string>>>;
};
