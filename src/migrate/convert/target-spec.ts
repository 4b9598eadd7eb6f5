import { containerdConfigVersion, type ContainerdVersion } from "../containerd-config/config-version.ts";
import type { Target } from "../plan/step.ts";

/** What a setting is called in the configuration of the runtime, whichever it is. */
export type SettingName =
  | "cdi"
  | "cdiDirectories"
  | "cniBinDirectories"
  | "cniConfDirectory"
  | "configPath"
  | "cgroupDriver"
  | "defaultRuntime"
  | "defaultNetworkSubnet"
  | "defaultNetworkBridge"
  | "ipv6"
  | "initPath"
  | "insecureRegistries"
  | "logFormat"
  | "logLevel"
  | "maxDownloads"
  | "metricsAddress"
  | "networkPools"
  | "nri"
  | "oomScore"
  | "registryConfigs"
  | "registryMirrors"
  | "root"
  | "runtimes"
  | "sandboxImage"
  | "seccompProfile"
  | "selinux"
  | "snapshotter"
  | "socketGroup"
  | "state"
  | "unprivilegedIcmp"
  | "unprivilegedPorts";

/** Keys from the root of the TOML file. */
export type KeyPath = readonly string[];

/** The runtime that is written for: where its files are and where each setting goes. */
export type TargetSpec = {
  readonly target: Exclude<Target, "cri-dockerd">;
  /** For people: `containerd 1.6`. */
  readonly label: string;
  readonly configFile: string;
  /** `version` of the file. */
  readonly configVersion: number;
  /** A setting that is left out has no counterpart. */
  readonly places: Readonly<Partial<Record<SettingName, KeyPath>>>;
  /** `runtime_type` of an OCI runtime binary. */
  readonly ociRuntimeType: string;
  readonly unit: string;
  readonly endpoint: string;
  readonly certsDirectory: string;
};

export const ferrySpec: TargetSpec = {
  target: "ferry",
  label: "ferry",
  configFile: "/etc/ferry/config.toml",
  configVersion: 1,
  ociRuntimeType: "conmon",
  unit: "ferryd.service",
  endpoint: "unix:///run/ferry/ferry.sock",
  certsDirectory: "/etc/ferry/certs.d",
  places: {
    cdiDirectories: ["cri", "cdi_spec_dirs"],
    cgroupDriver: ["runtime", "cgroup_driver"],
    cniBinDirectories: ["network", "plugin_directories"],
    cniConfDirectory: ["cri", "cni_conf_dir"],
    defaultNetworkBridge: ["network", "bridge"],
    defaultNetworkSubnet: ["network", "subnet"],
    defaultRuntime: ["runtime", "default"],
    initPath: ["runtime", "init"],
    insecureRegistries: ["images", "insecure_registries"],
    ipv6: ["network", "ipv6"],
    logLevel: ["daemon", "log_level"],
    maxDownloads: ["images", "max_downloads"],
    networkPools: ["network", "pools"],
    root: ["daemon", "root"],
    runtimes: ["runtimes"],
    sandboxImage: ["cri", "sandbox_image"],
    seccompProfile: ["runtime", "seccomp_profile"],
    snapshotter: ["snapshots", "default"],
    socketGroup: ["docker", "group"],
  },
};

export function containerdSpec(version: ContainerdVersion): TargetSpec {
  const configVersion = containerdConfigVersion(version);
  return {
    target: "containerd",
    label: `containerd ${version.major}.${version.minor}`,
    configFile: "/etc/containerd/config.toml",
    configVersion,
    ociRuntimeType: "io.containerd.runc.v2",
    unit: "containerd.service",
    endpoint: "unix:///run/containerd/containerd.sock",
    certsDirectory: "/etc/containerd/certs.d",
    places: { ...daemonPlaces(configVersion), ...criPlaces(version, configVersion) },
  };
}

type Places = TargetSpec["places"];

function daemonPlaces(configVersion: number): Places {
  return {
    root: ["root"],
    state: ["state"],
    oomScore: ["oom_score"],
    logLevel: ["debug", "level"],
    logFormat: ["debug", "format"],
    metricsAddress:
      configVersion >= 4 ? ["plugins", "io.containerd.server.v1.metrics", "address"] : ["metrics", "address"],
  };
}

/** Source: containerd `pkg/cri/config/config.go` at 1.3 to 1.7, `internal/cri/config/config.go` from 2.0 on. */
function criPlaces(version: ContainerdVersion, configVersion: number): Places {
  const since = (major: number, minor: number) =>
    version.major > major || (version.major === major && version.minor >= minor);
  const isSplit = configVersion >= 3;
  const runtime = ["plugins", isSplit ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri"];
  const images = ["plugins", isSplit ? "io.containerd.cri.v1.images" : "io.containerd.grpc.v1.cri"];
  return {
    cniBinDirectories: [...runtime, "cni", since(2, 1) ? "bin_dirs" : "bin_dir"],
    cniConfDirectory: [...runtime, "cni", "conf_dir"],
    defaultRuntime: [...runtime, "containerd", "default_runtime_name"],
    maxDownloads: since(2, 1)
      ? ["plugins", "io.containerd.transfer.v1.local", "max_concurrent_downloads"]
      : [...images, "max_concurrent_downloads"],
    runtimes: [...runtime, "containerd", "runtimes"],
    sandboxImage: isSplit ? [...images, "pinned_images", "sandbox"] : [...images, "sandbox_image"],
    selinux: [...runtime, "enable_selinux"],
    snapshotter: isSplit ? [...images, "snapshotter"] : [...images, "containerd", "snapshotter"],
    ...(since(1, 5)
      ? { configPath: [...images, "registry", "config_path"] }
      : {
          registryMirrors: [...images, "registry", "mirrors"],
          registryConfigs: [...images, "registry", "configs"],
        }),
    ...(since(1, 6) && {
      unprivilegedPorts: [...runtime, "enable_unprivileged_ports"],
      unprivilegedIcmp: [...runtime, "enable_unprivileged_icmp"],
    }),
    ...(since(1, 7) && {
      // From 2.0 on CDI is always there.
      ...(!isSplit && { cdi: [...runtime, "enable_cdi"] }),
      cdiDirectories: [...runtime, "cdi_spec_dirs"],
      nri: ["plugins", "io.containerd.nri.v1.nri"],
    }),
  };
}
