import { stringify, type TomlTable, type TomlValue } from "smol-toml";

/** Sets `path` below `tree`, making the tables on the way; what was there is replaced. */
export function setIn(tree: TomlTable, path: readonly string[], value: TomlValue): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) tree[name] = value;
  else {
    const inner = tree[name];
    const table: TomlTable = isTomlTable(inner) ? inner : {};
    tree[name] = table;
    setIn(table, rest, value);
  }
}

/** What is at `path`; undefined where nothing is. */
export function getIn(tree: TomlTable, path: readonly string[]): TomlValue | undefined {
  let at: TomlValue | undefined = tree;
  for (const name of path) at = isTomlTable(at) ? at[name] : undefined;
  return at;
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
