import { createHash } from "node:crypto";
import { availableParallelism, hostname, release, totalmem } from "node:os";
import { formatRfc3339, nowNs } from "#base/clock.ts";
import type { RuntimeFeatures } from "#core/tasks/runtime.ts";
import { visibleContainers } from "../pods/visible-containers.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { operatingSystem, unameArchitecture } from "./machine.ts";

/** `docker info`. */
export async function getInfo(context: RouteContext): Promise<Answer> {
  const { call, engine, settings, api } = context;
  const containers = await visibleContainers(context);
  const images = await engine.images.list(call);
  const runtimes = engine.runtime.features();
  const system = await operatingSystem();
  const count = (...states: string[]) => containers.filter(({ status }) => states.includes(status.state)).length;
  return json({
    ID: createHash("sha256").update(`${hostname()} ${settings.rootDirectory}`).digest("hex").slice(0, 32),
    Containers: containers.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: containers.length - count("running", "restarting", "paused"),
    Images: new Set(images.map(({ target }) => target.digest)).size,
    Driver: engine.settings.defaultSnapshotter,
    DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "null"],
      Authorization: null,
      Log: ["json-file", "local"],
    },
    ...limitSupport(runtimes[0]),
    Debug: false,
    NFd: -1,
    NGoroutines: -1,
    SystemTime: formatRfc3339(nowNs()),
    LoggingDriver: "json-file",
    NEventsListener: 0,
    KernelVersion: release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: "linux",
    Architecture: unameArchitecture(),
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      ...(api < 47 ? { AllowNondistributableArtifactsCIDRs: [], AllowNondistributableArtifactsHostnames: [] } : {}),
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"],
      IndexConfigs: { "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true } },
      Mirrors: [],
    },
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: settings.rootDirectory,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: settings.version,
    ...runtimeFacts(runtimes, engine.runtime.defaultHandler, api),
    Swarm: inactiveSwarm,
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "catatonit",
    ContainerdCommit: commit("", api),
    RuncCommit: commit(runtimes[0]?.version ?? "", api),
    InitCommit: commit("", api),
    SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"],
    ...(api < 50 ? { BridgeNfIptables: true, BridgeNfIp6tables: true } : {}),
    CDISpecDirs: [],
    Warnings: null,
  });
}

const inactiveSwarm = {
  NodeID: "",
  NodeAddr: "",
  LocalNodeState: "inactive",
  ControlAvailable: false,
  Error: "",
  RemoteManagers: null,
};

function limitSupport(runtime: RuntimeFeatures | undefined) {
  const limits = ["MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet", "PidsLimit"];
  return {
    ...Object.fromEntries(limits.map((name) => [name, true])),
    ...(runtime?.cgroupVersion === 1 ? { KernelMemoryTCP: true } : {}),
    OomKillDisable: runtime?.cgroupVersion === 1,
    IPv4Forwarding: true,
    CgroupDriver: runtime?.cgroupDriver ?? "cgroupfs",
    CgroupVersion: String(runtime?.cgroupVersion ?? 2),
  };
}

function runtimeFacts(runtimes: readonly RuntimeFeatures[], defaultHandler: string, api: number) {
  const entries = runtimes.map(({ name, path, ociVersion }) => [
    name,
    {
      path,
      ...(api >= 44 ? { status: { "org.opencontainers.runtime-spec.features": JSON.stringify({ ociVersion }) } } : {}),
    },
  ]);
  return { Runtimes: Object.fromEntries(entries) as unknown, DefaultRuntime: defaultHandler };
}

function commit(id: string, api: number) {
  return api < 49 ? { ID: id, Expected: id } : { ID: id };
}
