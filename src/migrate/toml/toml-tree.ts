import { stringify, type TomlTable, type TomlValue } from "smol-toml";

/** Sets `path` below `tree`, making the tables on the way; what was there is replaced. */
export function setIn(tree: TomlTable, path: readonly string[], value: TomlValue): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) put(tree, name, value);
  else {
    const inner = ownValue(tree, name);
    const table: TomlTable = isTomlTable(inner) ? inner : {};
    put(tree, name, table);
    setIn(table, rest, value);
  }
}

/** What is at `path`; undefined where nothing is. */
export function getIn(tree: TomlTable, path: readonly string[]): TomlValue | undefined {
  let at: TomlValue | undefined = tree;
  for (const name of path) at = isTomlTable(at) ? ownValue(at, name) : undefined;
  return at;
}

/** A file may name a table `__proto__`: it is a key like any other, and leads to no prototype. */
function ownValue(table: TomlTable, name: string): TomlValue | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function put(table: TomlTable, name: string, value: TomlValue): void {
  Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
}

export function isTomlTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `plugins."io.containerd.grpc.v1.cri".registry`: as it stands between the brackets of a table's header. */
export function keyPathText(path: readonly string[]): string {
  return path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join(".");
}

/** A whole file: `comment`, then the tree. */
export function formatToml(tree: TomlTable, comment: readonly string[]): string {
  return `${comment.map((line) => `# ${line}\n`).join("")}${stringify(tree)}`.trimEnd() + "\n";
}
