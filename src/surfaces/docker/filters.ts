import { EngineError } from "#base/errors.ts";

/**
 * The `filters` parameter: `{"label":["a","b=c"]}`, or the older `{"label":{"a":true}}`. Values of one key are
 * alternatives, keys must all fit; labels must all fit. Source: moby daemon/internal/filters.
 */
export class Filters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** @throws invalidArgument when it is malformed or has a key that is not in `accepted` */
  static parse(text: string, accepted: readonly string[]): Filters {
    const filters = new Filters(text === "" ? new Map() : parseValues(text));
    for (const key of filters.keys()) {
      if (!accepted.includes(key)) throw new EngineError("invalidArgument", `invalid filter '${key}'`);
    }
    return filters;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.get(key).length > 0;
  }

  get(key: string): readonly string[] {
    return this.#values.get(key) ?? [];
  }

  /** `fits` holds for one of the values, or there are none. */
  some(key: string, fits: (value: string) => boolean): boolean {
    const values = this.get(key);
    return values.length === 0 || values.some(fits);
  }

  /** A value given as `true`/`false`/`1`/`0`. @throws invalidArgument for another */
  boolean(key: string, fallback: boolean): boolean {
    const values = this.get(key);
    if (values.length === 0) return fallback;
    const isTrue = values.some((value) => value === "1" || value === "true");
    const isFalse = values.some((value) => value === "0" || value === "false");
    if (isTrue !== isFalse) return isTrue;
    throw this.invalid(key);
  }

  /** Every `label` (`key` or `key=value`) is among `labels`, and none of `label!`. */
  matchLabels(labels: Readonly<Record<string, string>>): boolean {
    const has = (wanted: string) => labelFits(wanted, labels);
    return this.get("label").every(has) && !this.get("label!").some(has);
  }

  /** Empty, equal to a value, containing one, or fitting one as a regular expression: names. */
  matchName(key: string, name: string): boolean {
    return this.some(key, (value) => name === value || name.includes(value) || fitsPattern(value, name));
  }

  invalid(key: string): EngineError {
    return new EngineError("invalidArgument", `invalid filter '${key}=[${this.get(key).join(" ")}]'`);
  }
}

/** `key` and `value` of a label filter. */
export function splitLabel(text: string): { key: string; value?: string } {
  const at = text.indexOf("=");
  return at < 0 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

function labelFits(wanted: string, labels: Readonly<Record<string, string>>): boolean {
  const { key, value } = splitLabel(wanted);
  return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
}

function fitsPattern(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

function parseValues(text: string): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(parseObject(text))) {
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) values.set(key, value);
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const on = Object.entries(value as Record<string, unknown>).filter(([, isOn]) => isOn === true);
      values.set(
        key,
        on.map(([name]) => name),
      );
    } else throw new EngineError("invalidArgument", "invalid filter");
  }
  return values;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch {
    // The same answer as for JSON of another form.
  }
  throw new EngineError("invalidArgument", "invalid filter");
}
