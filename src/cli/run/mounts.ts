import { resolve } from "node:path";

export type Mount = {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Record<string, unknown>;
  VolumeOptions?: Record<string, unknown>;
  TmpfsOptions?: Record<string, unknown>;
};

/** What `-v` asks for: a bind or named volume, or an anonymous volume by its path. */
export type VolumeFlag = { readonly bind: string } | { readonly anonymous: string };

/** Reads `-v` as Docker does; a relative host path is made absolute. @throws Error */
export function parseVolumeFlag(text: string): VolumeFlag {
  const parts = text.split(":");
  if (parts.length > 3 || parts.some((part, at) => part === "" && at < 2)) {
    throw new Error("not [source:]target[:options]");
  }
  const [first = "", target, options] = parts;
  if (target === undefined) {
    if (!first.startsWith("/")) throw new Error("the container's path must be absolute");
    return { anonymous: first };
  }
  if (!target.startsWith("/")) throw new Error(`the container's path must be absolute, not ${target}`);
  const source = /^\.{1,2}(\/|$)|^~\//.test(first) ? resolve(first.replace(/^~/, process.env["HOME"] ?? "~")) : first;
  return { bind: [source, target, ...(options === undefined ? [] : [options])].join(":") };
}

type Setter = (mount: Mount, value: string) => void;

const option = (
  group: "BindOptions" | "VolumeOptions" | "TmpfsOptions",
  name: string,
  read: (text: string) => unknown,
): Setter => {
  return (mount, value) => void ((mount[group] ??= {})[name] = read(value));
};

const source: Setter = (mount, value) => {
  mount.Source = value;
};
const target: Setter = (mount, value) => {
  mount.Target = value;
};
const readonly: Setter = (mount, value) => {
  mount.ReadOnly = truth(value);
};

const mountKeys: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase();
  },
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly,
  ro: readonly,
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  "bind-propagation": option("BindOptions", "Propagation", (value) => value.toLowerCase()),
  "bind-nonrecursive": option("BindOptions", "NonRecursive", truth),
  "bind-recursive": (mount, value) => {
    const options = (mount.BindOptions ??= {});
    if (value === "disabled") options["NonRecursive"] = true;
    else if (value === "writable") options["ReadOnlyNonRecursive"] = true;
    else if (value === "readonly") options["ReadOnlyForceRecursive"] = true;
    else if (value !== "enabled") throw new Error("bind-recursive is enabled, disabled, writable or readonly");
  },
  "volume-subpath": option("VolumeOptions", "Subpath", String),
  "volume-nocopy": option("VolumeOptions", "NoCopy", truth),
  "volume-label": (mount, value) => addPair((mount.VolumeOptions ??= {}), "Labels", value),
  "volume-driver": (mount, value) => {
    driverOf(mount)["Name"] = value;
  },
  "volume-opt": (mount, value) => addPair(driverOf(mount), "Options", value),
  "tmpfs-size": option("TmpfsOptions", "SizeBytes", (value) => parseTmpfsSize(value)),
  "tmpfs-mode": option("TmpfsOptions", "Mode", (value) => Number.parseInt(value, 8)),
};

/** Keys that stand without a value for `true`. */
const bareKeys = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

/** Reads one `--mount`: comma-separated `key=value`, quoted as in CSV. @throws Error */
export function parseMount(text: string): Mount {
  const mount: Mount = { Type: "volume", Target: "" };
  for (const field of splitCsv(text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    const set = Object.hasOwn(mountKeys, key) ? mountKeys[key] : undefined;
    if (set === undefined) throw new Error(`unexpected key '${key}'`);
    if (equals < 0 && !bareKeys.has(key)) throw new Error(`'${key}' must be key=value`);
    set(mount, equals < 0 ? "true" : field.slice(equals + 1));
  }
  if (mount.Target === "") throw new Error("target is required");
  if (mount.Type === "bind" && mount.Source === undefined) throw new Error("a bind mount needs a source");
  if (mount.Type === "bind" && mount.Source?.startsWith(".") === true) mount.Source = resolve(mount.Source);
  return mount;
}

/** `path[:options]` to `[path, options]`. @throws Error */
export function parseTmpfs(text: string): [string, string] {
  const colon = text.indexOf(":");
  const path = colon < 0 ? text : text.slice(0, colon);
  if (!path.startsWith("/")) throw new Error("the path must be absolute");
  return [path, colon < 0 ? "" : text.slice(colon + 1)];
}

/** Fields of one CSV line. */
export function splitCsv(text: string): string[] {
  const fields = text.match(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? [];
  // The expression matches once more, empty, at the very end.
  return fields
    .slice(0, text.endsWith(",") ? undefined : -1)
    .map((field) => field.replace(/,$/, ""))
    .map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
}

function truth(text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new Error(`${text} is not true or false`);
}

function addPair(options: Record<string, unknown>, group: string, pair: string): void {
  const equals = pair.indexOf("=");
  const pairs = (options[group] ??= {}) as Record<string, string>;
  pairs[equals < 0 ? pair : pair.slice(0, equals)] = equals < 0 ? "" : pair.slice(equals + 1);
}

function driverOf(mount: Mount): Record<string, unknown> {
  const options = (mount.VolumeOptions ??= {});
  return (options["DriverConfig"] ??= {}) as Record<string, unknown>;
}

function parseTmpfsSize(text: string): number {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (match === null) throw new Error(`tmpfs-size ${text}: not a size`);
  return Number(match[1]) * 1024 ** ["", "k", "m", "g"].indexOf((match[2] ?? "").toLowerCase());
}
