import { EngineError } from "#base/errors.ts";

/** Parameters of a request, read as Docker reads them. */
export class Query {
  readonly #parameters: URLSearchParams;

  constructor(search: string) {
    this.#parameters = new URLSearchParams(search);
  }

  /** Empty when it is not there. */
  text(name: string): string {
    return this.#parameters.get(name) ?? "";
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  all(name: string): string[] {
    return this.#parameters.getAll(name);
  }

  /** Anything but nothing, `0`, `no`, `false` and `none` is true. Source: moby httputils/form.go. */
  boolean(name: string, fallback = false): boolean {
    const text = this.#parameters.get(name);
    if (text === null) return fallback;
    return !["", "0", "no", "false", "none"].includes(text.trim().toLowerCase());
  }

  /** Undefined when it is empty. @throws invalidArgument */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
    throw new EngineError("invalidArgument", `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}
