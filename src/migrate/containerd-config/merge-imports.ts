import type { TomlTable, TomlValue } from "smol-toml";
import { getIn, isTomlTable, setIn } from "../toml/toml-tree.ts";
import type { KeyPath } from "./leaf.ts";
import type { ContainerdConfig } from "./parse-config.ts";

/** Tables that an import replaces key by key, in every version. Source: containerd `mergeConfig`. */
const replaced = new Set(["stream_processors", "proxy_plugins", "timeouts"]);

/**
 * A configuration with its imports, as containerd sees them: later files win, lists add up. Before 2.0 an import replaces
 * the whole table of a plugin; from 2.0 on it only adds to it.
 */
export function mergeImports(
  files: readonly [ContainerdConfig, ...ContainerdConfig[]],
  isDeep: boolean,
): ContainerdConfig {
  const [main, ...imports] = files;
  if (imports.length === 0) return main;
  const tree = structuredClone(main.tree);
  for (const { tree: from } of imports) mergeInto(tree, from, isDeep);
  const { version } = files.reduce((last, one) => (one.version > last.version ? one : last));
  return { ...main, version, tree, sourceOf: (path) => sourceAmong(files, path) };
}

function mergeInto(to: TomlTable, from: TomlTable, isDeep: boolean): void {
  for (const [key, value] of Object.entries(from)) {
    const here = getIn(to, [key]);
    if (key === "plugins" && !isDeep && isTomlTable(here) && isTomlTable(value)) Object.assign(here, value);
    else if (replaced.has(key) && isTomlTable(here) && isTomlTable(value)) Object.assign(here, value);
    else setIn(to, [key], merged(here, value));
  }
}

function merged(here: TomlValue | undefined, value: TomlValue): TomlValue {
  if (Array.isArray(here) && Array.isArray(value)) {
    return [...here, ...value.filter((item) => !here.some((one) => JSON.stringify(one) === JSON.stringify(item)))];
  }
  if (!isTomlTable(here) || !isTomlTable(value)) return value;
  const table: TomlTable = { ...here };
  for (const [key, item] of Object.entries(value)) setIn(table, [key], merged(getIn(table, [key]), item));
  return table;
}

/** The last file that says it. */
function sourceAmong(files: readonly ContainerdConfig[], path: KeyPath) {
  const file = files.findLast(({ tree }) => getIn(tree, path) !== undefined) ?? files[0];
  return file?.sourceOf(path) ?? ({ t: "system", what: "containerd" } as const);
}
