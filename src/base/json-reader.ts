import { EngineError } from "./errors.ts";

/**
 * Reads JSON that somebody else wrote, value by value; errors name the path of the value that is wrong.
 *
 * `null` counts as absent everywhere, as Go's encoder writes it for empty lists and maps.
 */
export class JsonReader {
  readonly #value: unknown;
  readonly #path: string;

  /** `what` names the document in errors: `manifest sha256:…`. */
  constructor(value: unknown, what: string) {
    this.#value = value ?? undefined;
    this.#path = what;
  }

  /** @throws invalidArgument when `bytes` is longer than `maxBytes` or not JSON in UTF-8 */
  static parse(bytes: Uint8Array, what: string, maxBytes: number): JsonReader {
    if (bytes.length > maxBytes) {
      throw new EngineError("invalidArgument", `${what}: ${bytes.length} bytes, the limit is ${maxBytes}`);
    }
    try {
      const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      return new JsonReader(value, what);
    } catch {
      throw new EngineError("invalidArgument", `${what}: not JSON`);
    }
  }

  get isPresent(): boolean {
    return this.#value !== undefined;
  }

  get isString(): boolean {
    return typeof this.#value === "string";
  }

  /** The member `name` of an object; of an absent value an absent one. */
  at(name: string): JsonReader {
    const object = this.isPresent ? this.object() : {};
    return new JsonReader(Object.hasOwn(object, name) ? object[name] : undefined, `${this.#path}: ${name}`);
  }

  string(): string {
    if (typeof this.#value === "string") return this.#value;
    return this.fail("is not a string");
  }

  optionalString(): string | undefined {
    return this.isPresent ? this.string() : undefined;
  }

  /** An integer from 0 that a double holds exactly. */
  size(): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    return this.fail("is not a size");
  }

  optionalNumber(): number | undefined {
    if (this.#value === undefined) return undefined;
    return typeof this.#value === "number" ? this.#value : this.fail("is not a number");
  }

  boolean(): boolean {
    if (this.#value === undefined) return false;
    return typeof this.#value === "boolean" ? this.#value : this.fail("is not a boolean");
  }

  /** Members of a list; none where it is absent. @throws invalidArgument with more than `maxItems` */
  list(maxItems: number): JsonReader[] {
    if (this.#value === undefined) return [];
    if (!Array.isArray(this.#value)) return this.fail("is not a list");
    if (this.#value.length > maxItems) return this.fail(`has ${this.#value.length} members, the limit is ${maxItems}`);
    return this.#value.map((value: unknown, at) => new JsonReader(value, `${this.#path}[${at}]`));
  }

  strings(maxItems: number): string[] {
    return this.list(maxItems).map((item) => item.string());
  }

  /** Keys of an object, none where it is absent. */
  keys(): string[] {
    return this.isPresent ? Object.keys(this.object()) : [];
  }

  /** An object of strings, without a prototype's surprises; empty where it is absent. */
  stringMap(): Record<string, string> {
    return Object.fromEntries(this.keys().map((key) => [key, this.at(key).optionalString() ?? ""]));
  }

  /** The object itself. */
  object(): Readonly<Record<string, unknown>> {
    return isRecord(this.#value) ? this.#value : this.fail("is not an object");
  }

  /** @throws invalidArgument always */
  fail(why: string): never {
    throw new EngineError("invalidArgument", `${this.#path}: ${this.isPresent ? why : "missing"}`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
