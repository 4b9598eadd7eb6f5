import { JsonReader } from "#base/json-reader.ts";
import { messageOf } from "#base/errors.ts";
import { dirname } from "node:path";
import type { HostRoot } from "./host-root.ts";
import { findFlag, flagSource, readCommandLine, type CommandLine } from "./command-line.ts";
import type { Packages } from "./read-packages.ts";
import { readUnit, type HostText } from "./read-unit.ts";
import { readUnitState, type UnitFacts } from "./read-unit-state.ts";
import type { RunningHost } from "./running-host.ts";
import type { Fact } from "./source.ts";

/** Docker Engine on a host. */
export type DockerFacts = {
  readonly version: Fact<string> | undefined;
  /** `daemon.json`, wherever `--config-file` says it is. */
  readonly daemonJson: HostText | undefined;
  /** Why `daemon.json` cannot be read. */
  readonly problem?: string;
  readonly dataRoot: Fact<string>;
  /** Storage drivers that left images in the data root: `overlay2`. */
  readonly storageDrivers: readonly string[];
  readonly cgroupDriver: Fact<CgroupDriver> | undefined;
  readonly logDriver: Fact<string> | undefined;
  /** `max-size`, `max-file` and so on, of the daemon. */
  readonly logOptions: Readonly<Record<string, string>>;
  readonly liveRestore: boolean;
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
  const daemonPath = findFlag(commandLine, "config-file")?.value ?? "/etc/docker/daemon.json";
  const text = await root.findText(daemonPath);
  const settings = parseDaemonJson(daemonPath, text);
  const dataRoot = findSetting(commandLine, settings, ["data-root", "graph"]) ?? {
    value: "/var/lib/docker",
    source: { t: "file", path: dirname(daemonPath), excerpt: "data-root is not set" },
  };
  return {
    version: (await askVersion(running)) ?? version,
    daemonJson: text === undefined ? undefined : { path: daemonPath, text },
    ...(settings.problem === undefined ? {} : { problem: settings.problem }),
    dataRoot,
    storageDrivers: (await root.list(`${dataRoot.value}/image`)).filter((name) => /^[a-z0-9-]+$/.test(name)),
    cgroupDriver: findCgroupDriver(commandLine, settings),
    logDriver: findSetting(commandLine, settings, ["log-driver"]),
    logOptions: { ...settings.logOptions, ...flagOptions(commandLine, "log-opt") },
    liveRestore: settings.liveRestore || findFlag(commandLine, "live-restore")?.value === "true",
    units: await readUnits(root, running),
  };
}

type DaemonSettings = {
  readonly path: string;
  readonly strings: Readonly<Record<string, string>>;
  readonly execOptions: readonly string[];
  readonly logOptions: Readonly<Record<string, string>>;
  readonly liveRestore: boolean;
  readonly problem?: string;
};

function parseDaemonJson(path: string, text: string | undefined): DaemonSettings {
  const empty = { path, strings: {}, execOptions: [], logOptions: {}, liveRestore: false };
  if (text === undefined || text.trim() === "") return empty;
  try {
    const json = JsonReader.parse(Buffer.from(text), path, 4 << 20);
    const strings = Object.fromEntries(
      json.keys().flatMap((key) => (json.at(key).isString ? [[key, json.at(key).string()]] : [])),
    );
    return {
      path,
      strings,
      execOptions: json.at("exec-opts").strings(100),
      logOptions: json.at("log-opts").stringMap(),
      liveRestore: json.at("live-restore").boolean(),
    };
  } catch (error) {
    return { ...empty, problem: messageOf(error) };
  }
}

function findSetting(
  commandLine: CommandLine | undefined,
  settings: DaemonSettings,
  names: readonly string[],
): Fact<string> | undefined {
  for (const name of names) {
    const flag = findFlag(commandLine, name);
    if (flag?.value !== undefined) return { value: flag.value, source: flagSource(flag) };
    const value = settings.strings[name];
    if (value !== undefined) {
      return { value, source: { t: "file", path: settings.path, excerpt: `"${name}": ${JSON.stringify(value)}` } };
    }
  }
  return undefined;
}

function findCgroupDriver(
  commandLine: CommandLine | undefined,
  settings: DaemonSettings,
): Fact<CgroupDriver> | undefined {
  const flags = commandLine?.flags.filter((flag) => flag.name === "exec-opt") ?? [];
  const said = [...settings.execOptions, ...flags.map((flag) => flag.value ?? "")];
  const option = said.findLast((text) => text.startsWith("native.cgroupdriver="));
  const value = option?.split("=")[1];
  if (option === undefined || (value !== "systemd" && value !== "cgroupfs")) return undefined;
  return { value, source: { t: "file", path: settings.path, excerpt: option } };
}

function flagOptions(commandLine: CommandLine | undefined, name: string): Record<string, string> {
  const flags = commandLine?.flags.filter((flag) => flag.name === name) ?? [];
  return Object.fromEntries(
    flags.map(({ value = "" }) => [value.split("=")[0] ?? "", value.slice(value.indexOf("=") + 1)]),
  );
}

async function readUnits(root: HostRoot, running: RunningHost | undefined): Promise<UnitFacts[]> {
  const units: UnitFacts[] = [];
  for (const name of ["docker.service", "docker.socket"]) {
    const state = await readUnitState({ root, running }, name);
    if (state !== undefined) units.push(state);
  }
  return units;
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
