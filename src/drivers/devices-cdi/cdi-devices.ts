import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { DeviceCatalog } from "#core/devices/device-catalog.ts";
import type { DeviceEdits } from "#core/devices/device-edits.ts";
import { decodeSpec, type CdiSpec } from "./decode-spec.ts";

const maxFileBytes = 4 * 1024 * 1024;

type Device = { readonly spec: CdiSpec; readonly edits: DeviceEdits };
/** `undefined`: two files of one directory have it. */
type Found = { readonly devices: Map<string, Device | undefined>; readonly problems: string[] };

/** Devices of the Container Device Interface; see README.md. */
export class CdiDevices implements DeviceCatalog {
  readonly #directories: readonly string[];

  /** @param directories the later ones go before the earlier; one that is missing is empty */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  async editsFor(call: Call, names: readonly string[]): Promise<DeviceEdits> {
    const { devices, problems } = await this.#read(call);
    const wanted = [...new Set(names)];
    const found = wanted.flatMap((name) => devices.get(name) ?? []);
    if (found.length === wanted.length) return merge(found);
    const missing = wanted.filter((name) => devices.get(name) === undefined);
    const conflicts = missing.filter((name) => devices.has(name)).map((name) => `${name}: described twice`);
    const why = [...conflicts, ...problems].join("; ");
    const list = missing.map((name) => JSON.stringify(name)).join(", ");
    throw new EngineError("invalidArgument", `CDI devices not known: ${list}${why === "" ? "" : ` (${why})`}`);
  }

  async #read(call: Call): Promise<Found> {
    const all: Found = { devices: new Map(), problems: [] };
    for (const directory of this.#directories) {
      const { devices, problems } = await readDirectory(call, directory);
      for (const [name, device] of devices) all.devices.set(name, device);
      all.problems.push(...problems);
    }
    return all;
  }
}

async function readDirectory(call: Call, directory: string): Promise<Found> {
  const found: Found = { devices: new Map(), problems: [] };
  for (const file of await listFiles(directory)) {
    try {
      const spec = await readSpec(call, join(directory, file));
      for (const [name, edits] of spec.devices) {
        const full = `${spec.kind}=${name}`;
        found.devices.set(full, found.devices.has(full) ? undefined : { spec, edits });
      }
    } catch (error) {
      call.signal.throwIfAborted();
      found.problems.push(messageOf(error));
    }
  }
  return found;
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => /\.(json|yaml)$/.test(name)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function readSpec({ signal }: Call, path: string): Promise<CdiSpec> {
  const { size } = await stat(path);
  if (size > maxFileBytes) throw new EngineError("invalidArgument", `${path}: larger than ${maxFileBytes} bytes`);
  const text = await readFile(path, { encoding: "utf8", signal });
  return decodeSpec(path.endsWith(".json") ? parseJson(text, path) : await parseYaml(text, path), path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EngineError("invalidArgument", `${path}: not JSON`, { cause: error });
  }
}

/** Its parser is loaded with the first such file. */
async function parseYaml(text: string, path: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    const [why = ""] = messageOf(error).split("\n");
    throw new EngineError("invalidArgument", `${path}: not YAML: ${why}`, { cause: error });
  }
}

/** A file's common edits come once, before the first of its devices. */
function merge(devices: readonly Device[]): DeviceEdits {
  const seen = new Set<CdiSpec>();
  const parts = devices.flatMap(({ spec, edits }) => {
    const isNew = !seen.has(spec);
    seen.add(spec);
    return isNew ? [spec.common, edits] : [edits];
  });
  const intelRdt = parts.findLast((part) => part.intelRdt !== undefined)?.intelRdt;
  return {
    env: parts.flatMap(({ env }) => env),
    deviceNodes: parts.flatMap(({ deviceNodes }) => deviceNodes),
    mounts: parts.flatMap(({ mounts }) => mounts),
    hooks: parts.flatMap(({ hooks }) => hooks),
    additionalGids: [...new Set(parts.flatMap(({ additionalGids }) => additionalGids))],
    ...(intelRdt !== undefined && { intelRdt }),
  };
}
