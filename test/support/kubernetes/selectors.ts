export type StoredObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
};

/** `a=b,c!=d,e,!f`: equality-based selectors. */
export function matchesLabels({ metadata }: StoredObject, selector: string): boolean {
  const labels = metadata.labels ?? {};
  return requirements(selector).every(({ key, op, value }) => {
    if (op === "exists") return Object.hasOwn(labels, key);
    if (op === "absent") return !Object.hasOwn(labels, key);
    return (labels[key] === value) === (op === "=");
  });
}

/** `spec.nodeName=n,metadata.name!=x`, read as paths of the object. */
export function matchesFields(object: StoredObject, selector: string): boolean {
  return requirements(selector).every(({ key, op, value }) => {
    const found = key
      .split(".")
      .reduce<unknown>(
        (at, part) => (typeof at === "object" && at !== null ? Reflect.get(at, part) : undefined),
        object,
      );
    const text = typeof found === "string" ? found : "";
    return (text === value) === (op === "=");
  });
}

type Requirement = { key: string; op: "=" | "!=" | "exists" | "absent"; value: string };

function requirements(selector: string): Requirement[] {
  return selector
    .split(",")
    .filter((word) => word.trim() !== "")
    .map((word) => {
      const match = /^\s*(!?)([^=!\s]+)\s*(?:(==?|!=)\s*(\S*))?\s*$/.exec(word);
      const [, not, key = "", op, value = ""] = match ?? [];
      if (op === undefined) return { key, op: not === "!" ? "absent" : "exists", value };
      return { key, op: op === "!=" ? "!=" : "=", value };
    });
}
