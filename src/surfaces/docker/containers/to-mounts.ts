import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import { posix } from "node:path";
import { maxItems, readInteger } from "./host-config-shape.ts";

export type MountOptions = {
  /** API version of the request: before 1.44 a read-only bind leaves submounts writable. */
  readonly api: number;
  /** Mounts of the containers that `VolumesFrom` names, by what it says. */
  readonly volumesFrom: ReadonlyMap<string, readonly ContainerMount[]>;
};

/** A volume that a mount wants made with driver options or labels. */
export type WantedVolume = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
};

const propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;
type Propagation = (typeof propagations)[number];

/**
 * `Binds`, `Mounts`, `Tmpfs` and `VolumesFrom` of a HostConfig. The first three may not name a destination twice; what
 * comes from other containers yields to them.
 *
 * @throws invalidArgument with Docker's texts
 */
export function toMounts(
  host: JsonReader,
  options: MountOptions,
): { mounts: ContainerMount[]; wanted: WantedVolume[] } {
  const wanted: WantedVolume[] = [];
  const own = [
    ...host
      .at("Binds")
      .strings(maxItems)
      .map((text) => parseBind(text, options)),
    ...host
      .at("Mounts")
      .list(maxItems)
      .map((mount) => toMount(mount, options, wanted)),
    ...Object.entries(host.at("Tmpfs").stringMap()).map(([destination, text]) => tmpfs(destination, text)),
  ];
  const seen = new Set<string>();
  for (const { destination } of own) {
    if (seen.has(destination)) throw bad(`Duplicate mount point: ${destination}`);
    seen.add(destination);
  }
  const inherited = [...options.volumesFrom].flatMap(([text, mounts]) => inherit(text, mounts));
  return { mounts: [...own, ...inherited.filter(({ destination }) => !seen.has(destination))], wanted };
}

/** `source:destination[:mode]`, `name:destination[:mode]` or `destination`. */
export function parseBind(text: string, { api }: Pick<MountOptions, "api">): ContainerMount {
  const parts = text.split(":");
  if (parts.length > 3 || parts.some((part) => part === "")) throw bad(`invalid volume specification: '${text}'`);
  const [first = "", second, third = ""] = parts;
  if (second === undefined) return volume("", checkDestination(first, text), []);
  const modes = third === "" ? [] : third.split(",");
  const destination = checkDestination(second, text);
  const unknown = modes.find((mode) => !knownModes.has(mode) && !isPropagation(mode));
  if (unknown !== undefined) throw bad(`invalid mode: ${third}`);
  if (!first.startsWith("/")) return volume(checkVolumeName(first), destination, modes);
  const readOnly = modes.includes("ro");
  return {
    t: "bind",
    source: posix.normalize(first),
    destination,
    readOnly,
    recursiveReadOnly: readOnly && api >= 44,
    nonRecursive: false,
    propagation: modes.find(isPropagation) ?? "rprivate",
    createSource: true,
  };
}

const knownModes = new Set(["ro", "rw", "z", "Z", "nocopy", "consistent", "cached", "delegated"]);

function isPropagation(text: string): text is Propagation {
  return propagations.some((propagation) => propagation === text);
}

function volume(name: string, destination: string, modes: readonly string[]): ContainerMount {
  return {
    t: "volume",
    name,
    destination,
    readOnly: modes.includes("ro"),
    noCopy: modes.includes("nocopy"),
    anonymous: name === "",
  };
}

function toMount(mount: JsonReader, { api }: MountOptions, wanted: WantedVolume[]): ContainerMount {
  const type = mount.at("Type").optionalString() ?? "";
  const fail = (why: string) => bad(`invalid mount config for type "${type}": ${why}`);
  const target = mount.at("Target").optionalString() ?? "";
  if (target === "") throw fail("field Target must not be empty");
  if (!target.startsWith("/")) throw fail(`invalid mount path: '${target}' mount path must be absolute`);
  const destination = checkDestination(target, target);
  if (api >= 42) checkOptions(mount, type);
  const readOnly = mount.at("ReadOnly").boolean();
  const source = mount.at("Source").optionalString() ?? "";
  if (type === "bind") {
    if (source === "") throw fail("field Source must not be empty");
    if (!source.startsWith("/")) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
    return bindMount(mount.at("BindOptions"), { source, destination, readOnly, api });
  }
  if (type === "volume") return volumeMount(mount.at("VolumeOptions"), { source, destination, readOnly }, wanted);
  if (type === "tmpfs") {
    if (source !== "") throw fail("field Source must not be specified");
    return { t: "tmpfs", destination, options: tmpfsOptions(mount.at("TmpfsOptions"), readOnly) };
  }
  throw fail(["image", "cluster", "npipe"].includes(type) ? "not supported" : "mount type unknown");
}

function checkOptions(mount: JsonReader, type: string): void {
  for (const [options, owner] of [
    ["VolumeOptions", "volume"],
    ["BindOptions", "bind"],
    ["TmpfsOptions", "tmpfs"],
  ] as const) {
    if (mount.at(options).isPresent && type !== owner) {
      throw bad(`${options} must not be specified on mount type "${type}"`);
    }
  }
}

function bindMount(
  options: JsonReader,
  { source, destination, readOnly, api }: { source: string; destination: string; readOnly: boolean; api: number },
): ContainerMount {
  const propagation = options.at("Propagation").optionalString() || "rprivate";
  if (!isPropagation(propagation)) {
    throw bad(`invalid mount config for type "bind": invalid propagation mode: ${propagation}`);
  }
  return {
    t: "bind",
    source: posix.normalize(source),
    destination,
    readOnly,
    recursiveReadOnly: readOnly && api >= 44 && !options.at("ReadOnlyNonRecursive").boolean(),
    nonRecursive: options.at("NonRecursive").boolean(),
    propagation,
    createSource: options.at("CreateMountpoint").boolean() && api >= 42,
  };
}

function volumeMount(
  options: JsonReader,
  { source, destination, readOnly }: { source: string; destination: string; readOnly: boolean },
  wanted: WantedVolume[],
): ContainerMount {
  const driver = options.at("DriverConfig");
  const driverName = driver.at("Name").optionalString() || "local";
  if (driverName !== "local") throw bad(`plugin "${driverName}" not found`);
  const labels = options.at("Labels").stringMap();
  const driverOptions = driver.at("Options").stringMap();
  const name = source === "" ? "" : checkVolumeName(source);
  if (Object.keys(driverOptions).length + Object.keys(labels).length > 0 && name !== "") {
    wanted.push({ name, labels, options: driverOptions });
  }
  const subpath = options.at("Subpath").optionalString();
  return {
    ...(volume(name, destination, readOnly ? ["ro"] : []) as ContainerMount & { t: "volume" }),
    noCopy: options.at("NoCopy").boolean(),
    ...(subpath ? { subpath } : {}),
  };
}

function tmpfs(path: string, text: string): ContainerMount {
  return { t: "tmpfs", destination: checkDestination(path, path), options: text === "" ? [] : text.split(",") };
}

function tmpfsOptions(options: JsonReader, readOnly: boolean): string[] {
  const size = readInteger(options.at("SizeBytes"));
  const mode = readInteger(options.at("Mode"));
  const more = options
    .at("Options")
    .list(maxItems)
    .map((pair) => pair.strings(2).join("="));
  return [
    ...(readOnly ? ["ro"] : []),
    ...(size > 0 ? [`size=${size}`] : []),
    ...(mode > 0 ? [`mode=${mode.toString(8)}`] : []),
    ...more,
  ];
}

/** `container[:ro|rw]`: its volumes and binds. */
function inherit(text: string, mounts: readonly ContainerMount[]): ContainerMount[] {
  const readOnly = /:ro(,|$)/.test(text);
  return mounts.flatMap((mount) => {
    if (mount.t === "tmpfs" || mount.t === "image") return [];
    return [{ ...mount, readOnly: readOnly || mount.readOnly }];
  });
}

function checkDestination(path: string, spec: string): string {
  if (!path.startsWith("/")) throw bad(`invalid volume specification: '${spec}': mount path must be absolute`);
  const clean = posix.normalize(path).replace(/(?<=.)\/+$/, "");
  if (clean === "/") throw bad("invalid specification: destination can't be '/'");
  return clean;
}

function checkVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return name;
  throw bad(
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

function bad(message: string): EngineError {
  return new EngineError("invalidArgument", message);
}
