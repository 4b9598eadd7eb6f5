/** The table at `path` below a value of a TOML tree; an empty one where there is none. */
export function tableAt(value: unknown, path: readonly string[]): Readonly<Record<string, unknown>> {
  const [key, ...rest] = path;
  return key === undefined ? tableOf(value) : tableAt(tableOf(value)[key], rest);
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
