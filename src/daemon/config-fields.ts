import { parseDurationNs } from "#base/go-duration.ts";

/** One setting: what kind of value it takes, its default, and what it does, for `ferryd config default`. */
export type Field<T extends FieldValue = FieldValue> = {
  readonly default: T;
  readonly doc: string;
  readonly accepts: (value: unknown) => value is T;
  readonly expected: string;
};

export type FieldValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;
export type Section = Readonly<Record<string, Field>>;
export type SectionValues<S extends Section> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

export function text(fallback: string, doc: string): Field<string> {
  return { default: fallback, doc, expected: "a string", accepts: (value) => typeof value === "string" };
}

/** A string out of `choices`. */
export function choice(choices: readonly string[], fallback: string, doc: string): Field<string> {
  const expected = `one of ${choices.map((it) => JSON.stringify(it)).join(", ")}`;
  const accepts = (value: unknown): value is string => typeof value === "string" && choices.includes(value);
  return { default: fallback, doc, expected, accepts };
}

export function integer(fallback: number, doc: string, min = 0): Field<number> {
  const accepts = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= min;
  return { default: fallback, doc, expected: `a whole number from ${min}`, accepts };
}

export function flag(fallback: boolean, doc: string): Field<boolean> {
  return { default: fallback, doc, expected: "true or false", accepts: (value) => typeof value === "boolean" };
}

export function list(fallback: readonly string[], doc: string): Field<readonly string[]> {
  const accepts = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every((item) => typeof item === "string");
  return { default: fallback, doc, expected: "a list of strings", accepts };
}

/** A span of time as Go writes it: `4h0m0s`. */
export function duration(fallback: string, doc: string): Field<string> {
  const accepts = (value: unknown): value is string => {
    if (typeof value !== "string") return false;
    try {
      return parseDurationNs(value) >= 0;
    } catch {
      return false;
    }
  };
  return { default: fallback, doc, expected: 'a duration such as "30s" or "4h0m0s"', accepts };
}

/** String keys and values. */
export function table(
  fallback: Readonly<Record<string, string>>,
  doc: string,
): Field<Readonly<Record<string, string>>> {
  const accepts = (value: unknown): value is Readonly<Record<string, string>> =>
    isTable(value) && Object.values(value).every((item) => typeof item === "string");
  return { default: fallback, doc, expected: "a table of strings", accepts };
}

/** A TOML table, or a plain object. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
