import type { ConfigProblem, DaemonSettings } from "../docker-config/decode-daemon-json.ts";
import { dataRootOf, decodeDocker } from "../docker-config/decode-docker.ts";
import { decodeDockerUnit } from "../docker-config/decode-docker-unit.ts";
import { readCommandLine, type CommandLine } from "./command-line.ts";
import type { HostRoot } from "./host-root.ts";
import type { Packages } from "./read-packages.ts";
import { readUnit, type HostText, type Unit } from "./read-unit.ts";
import { readUnitStates, type UnitFacts } from "./read-unit-state.ts";
import type { RunningHost } from "./running-host.ts";
import type { Fact } from "./source.ts";

/** Docker Engine on a host. */
export type DockerFacts = {
  readonly version: Fact<string> | undefined;
  /** `daemon.json`, wherever `--config-file` says it is. */
  readonly daemonJson: HostText | undefined;
  /** Of `daemon.json` and dockerd's flags, and what in them dockerd would refuse. */
  readonly settings: DaemonSettings;
  readonly problems: readonly ConfigProblem[];
  readonly dataRoot: Fact<string>;
  /** Where it is said; left out it is systemd on cgroup v2, else cgroupfs. */
  readonly cgroupDriver: Fact<CgroupDriver> | undefined;
  readonly units: readonly UnitFacts[];
};

export type CgroupDriver = "systemd" | "cgroupfs";

const packageNames = ["docker-ce", "docker.io", "docker-ee", "moby-engine", "docker"];
const binaries = ["/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"];

type Sources = { readonly root: HostRoot; readonly running?: RunningHost | undefined; readonly packages: Packages };

/** Undefined when the host has neither a Docker binary nor a unit nor a package of it. */
export async function readDocker({ root, running, packages }: Sources): Promise<DockerFacts | undefined> {
  const unit = await readUnit(root, "docker.service");
  const binary = await findFirst(binaries, async (path) => await root.exists(path));
  const version = packageNames.map((name) => packages.find(name)).find((found) => found !== undefined);
  if (unit === undefined && binary === undefined && version === undefined) return undefined;
  const commandLine = unit === undefined ? undefined : await readCommandLine(root, unit);
  const daemonJson = await readDaemonJson(root, unit, commandLine);
  const { settings, problems } = decodeDocker({ daemonJson, unit, commandLine });
  return {
    version: (await askVersion(running)) ?? version,
    daemonJson,
    settings,
    problems,
    dataRoot: dataRootOf(settings),
    cgroupDriver: findCgroupDriver(settings),
    units: await readUnitStates({ root, running }, ["docker.service", "docker.socket"]),
  };
}

/** `daemon.json`, or the file that `--config-file` names; undefined when it is not there. */
export async function readDaemonJson(
  root: HostRoot,
  unit: Unit | undefined,
  commandLine: CommandLine | undefined,
): Promise<HostText | undefined> {
  const path = decodeDockerUnit(unit, commandLine).flags.configFile ?? "/etc/docker/daemon.json";
  const text = await root.findText(path);
  return text === undefined ? undefined : { path, text };
}

function findCgroupDriver(settings: DaemonSettings): Fact<CgroupDriver> | undefined {
  const options = settings["exec-opts"];
  const value = options?.value.findLast((text) => text.startsWith("native.cgroupdriver="))?.split("=")[1];
  if (options === undefined || (value !== "systemd" && value !== "cgroupfs")) return undefined;
  return { value, source: options.source };
}

async function askVersion(running: RunningHost | undefined): Promise<Fact<string> | undefined> {
  const excerpt = await running?.ask(["dockerd", "--version"]);
  const value = /version ([^\s,]+)/.exec(excerpt ?? "")?.[1];
  return value === undefined ? undefined : { value, source: { t: "system", what: "dockerd --version" } };
}

async function findFirst(paths: readonly string[], test: (path: string) => Promise<boolean>) {
  for (const path of paths) if (await test(path)) return path;
  return undefined;
}
