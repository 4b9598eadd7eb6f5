import type { HostRoot } from "./host-root.ts";
import { parseUnitText, type UnitSetting } from "./unit-text.ts";

/** A file's path on the host and its whole text. */
export type HostText = { readonly path: string; readonly text: string };

/** A systemd unit with its drop-ins, as systemd would put them together. */
export type Unit = {
  readonly name: string;
  /** The unit's own file, then its drop-ins in the order they take effect. */
  readonly files: readonly HostText[];
  /** Of all files, in order of effect. */
  readonly settings: readonly (UnitSetting & { readonly path: string })[];
};

/** From highest precedence; systemd.unit(5), "Unit file load path". */
export const unitDirectories = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
] as const;

/** The unit `name` (`kubelet.service`); undefined when it has neither a file nor a drop-in. */
export async function readUnit(root: HostRoot, name: string): Promise<Unit | undefined> {
  const files = [...(await findFirst(root, name)), ...(await readDropIns(root, `${name}.d`))];
  if (files.length === 0) return undefined;
  const settings = files.flatMap(({ path, text }) =>
    parseUnitText(text).map((setting) => Object.assign(setting, { path })),
  );
  return { name, files, settings };
}

/**
 * Values of a setting that adds up over a unit's files (`ExecStart`, `Environment`, `EnvironmentFile`): an empty one
 * forgets those before it.
 */
export function listSettings(unit: Unit, section: string, key: string): Unit["settings"] {
  const all = unit.settings.filter((setting) => setting.section === section && setting.key === key);
  return all.slice(all.findLastIndex((setting) => setting.value.trim() === "") + 1);
}

async function findFirst(root: HostRoot, name: string): Promise<HostText[]> {
  for (const directory of unitDirectories) {
    const text = await root.findText(`${directory}/${name}`);
    if (text !== undefined) return [{ path: `${directory}/${name}`, text }];
  }
  return [];
}

/** Of two files of one name the one in the directory of higher precedence counts; all are sorted by name. */
async function readDropIns(root: HostRoot, directoryName: string): Promise<HostText[]> {
  const byName = new Map<string, HostText>();
  for (const directory of [...unitDirectories].reverse()) {
    for (const file of await root.list(`${directory}/${directoryName}`)) {
      if (!file.endsWith(".conf")) continue;
      const path = `${directory}/${directoryName}/${file}`;
      const text = await root.findText(path);
      // A link to /dev/null masks the file of the same name.
      if (text === undefined) byName.delete(file);
      else byName.set(file, { path, text });
    }
  }
  return [...byName.keys()].sort().flatMap((file) => byName.get(file) ?? []);
}
