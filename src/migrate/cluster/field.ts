/** A value that somebody else wrote, and its path: `.spec.volumes[2].hostPath.path`. Wrong types read as absent. */
export class Field {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path = "") {
    this.value = value;
    this.path = path;
  }

  at(...keys: readonly string[]): Field {
    const [key, ...rest] = keys;
    if (key === undefined) return this;
    const value = isRecord(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return new Field(value ?? undefined, memberPath(this.path, key)).at(...rest);
  }

  items(): Field[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((value: unknown, at) => new Field(value ?? undefined, itemPath(this.path, at)));
  }

  /** Members of an object. */
  entries(): [string, Field][] {
    return isRecord(this.value) ? Object.keys(this.value).map((key) => [key, this.at(key)]) : [];
  }

  get isPresent(): boolean {
    return this.value !== undefined;
  }

  get text(): string | undefined {
    return typeof this.value === "string" && this.value !== "" ? this.value : undefined;
  }

  get number(): number | undefined {
    return typeof this.value === "number" ? this.value : undefined;
  }

  get isTrue(): boolean {
    return this.value === true;
  }

  texts(): string[] {
    return this.items().flatMap(({ text }) => text ?? []);
  }

  /** Labels and the like: empty texts count. */
  textMap(): Record<string, string> {
    return Object.fromEntries(
      this.entries().flatMap(([key, { value }]) => (typeof value === "string" ? [[key, value]] : [])),
    );
  }
}

/** As `kubectl -o jsonpath` writes it: `.a.b`, `.a['x.y/z']`. */
export function memberPath(path: string, key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) ? `${path}.${key}` : `${path}['${key}']`;
}

export function itemPath(path: string, at: number): string {
  return `${path}[${at}]`;
}

/** Where the text of a block of several lines begins, among the lines of a file's fields. */
export function blockPath(path: string): string {
  return `${path}|`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
