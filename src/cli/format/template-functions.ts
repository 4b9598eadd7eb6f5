import { CliError } from "../cli-error.ts";

type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Functions of Go's templates and of Docker's, by name. Sources: text/template, docker/cli templates. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => JSON.stringify(value ?? null),
  join: (list, separator) => listOf("join", list).map(format).join(format(separator)),
  split: (text, separator) => format(text).split(format(separator)),
  upper: (text) => format(text).toUpperCase(),
  lower: (text) => format(text).toLowerCase(),
  title: (text) => format(text).replace(/(^|\s)\S/g, (start) => start.toUpperCase()),
  pad: (text, before, after) => `${" ".repeat(Number(before))}${format(text)}${" ".repeat(Number(after))}`,
  truncate: (text, length) => format(text).slice(0, Number(length)),
  println: (...values) => `${values.map(format).join(" ")}\n`,
  print: (...values) => values.map(format).join(""),
  printf: (text, ...values) => formatVerbs(format(text), values),
  len: (value) => (typeof value === "string" ? Buffer.byteLength(value) : Object.keys(value ?? {}).length),
  index: (value, ...keys) => keys.reduce(indexInto, value),
  slice: (value, from, to) =>
    (typeof value === "string" ? value : listOf("slice", value)).slice(
      Number(from ?? 0),
      to === undefined ? undefined : Number(to),
    ),
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  eq: (value, ...others) => others.some((other) => other === value),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
};

/** Calls a value that a row has as a method, such as `.Label "x"`. */
export function call(value: unknown, args: readonly unknown[]): unknown {
  return typeof value === "function" ? (value as TemplateFunction)(...args) : value;
}

/** What Go takes for true: not zero, not empty, not missing. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A value as Go prints it: `[a b]`, `map[k:v]`, `<no value>`. */
export function format(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(format).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${format(item)}`).join(" ")}]`;
  }
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint" ? String(value) : "";
}

function formatVerbs(text: string, values: readonly unknown[]): string {
  let at = 0;
  return text.replace(/%(-?)(0?)(\d*)(?:\.(\d+))?([svdqftx%])/g, (_, left, zero, width, digits, verb) => {
    if (verb === "%") return "%";
    const value = values[at++];
    const shown =
      verb === "q"
        ? JSON.stringify(format(value))
        : verb === "x"
          ? Number(value).toString(16)
          : verb === "f"
            ? Number(value).toFixed(Number(digits ?? 6))
            : format(value);
    const size = Number(width);
    return left === "-" ? shown.padEnd(size) : shown.padStart(size, zero === "0" ? "0" : " ");
  });
}

function indexInto(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const at = Number(key);
    if (at < 0 || at >= value.length) throw new CliError(`template: index out of range: ${format(key)}`);
    return value[at];
  }
  if (typeof value !== "object" || value === null) return undefined;
  const name = format(key);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function listOf(name: string, value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new CliError(`template: ${name}: not a list: ${format(value)}`);
  return value;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [format(a), format(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
