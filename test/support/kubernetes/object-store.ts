import type { ApiPath } from "./api-path.ts";
import { matchesFields, matchesLabels, type StoredObject } from "./selectors.ts";

/** A page as the API writes it, or that its continuation is too old. */
export type Page =
  | "expired"
  | {
      readonly kind: string;
      readonly apiVersion: string;
      readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
      readonly items: readonly StoredObject[];
    };

/** One change of what is stored. */
export type Change = {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resource: string;
  readonly object: StoredObject;
};

type Place = Pick<ApiPath, "apiVersion" | "resource" | "namespace" | "name">;

/** Objects by collection, in the order of namespace and name, with one growing resource version. */
export class ObjectStore {
  readonly #collections = new Map<string, Map<string, StoredObject>>();
  readonly #continuations = new Map<string, StoredObject[]>();
  #version = 1000;
  /** Told of every change, in order. */
  readonly listeners = new Set<(change: Change) => void>();

  get version(): string {
    return String(this.#version);
  }

  /** Adds or replaces; answers the object with its new `resourceVersion`. `resource` is the plural: `pods`. */
  put(resource: string, object: StoredObject): StoredObject {
    this.#version++;
    const metadata = {
      uid: `uid-${this.#version}`,
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...object.metadata,
      resourceVersion: this.version,
    };
    const stored = { ...object, metadata };
    const collection = this.#collection({ apiVersion: object.apiVersion, resource });
    const type = collection.has(keyOf(metadata)) ? "MODIFIED" : "ADDED";
    collection.set(keyOf(metadata), stored);
    for (const listener of this.listeners) listener({ type, resource, object: stored });
    return stored;
  }

  find(place: Place): StoredObject | undefined {
    return this.#collection(place).get(keyOf(place));
  }

  /** Answers whether it was there. */
  remove(place: Place): boolean {
    this.#version++;
    const object = this.find(place);
    if (object === undefined) return false;
    const { resource } = place;
    for (const listener of this.listeners) listener({ type: "DELETED", resource, object });
    return this.#collection(place).delete(keyOf(place));
  }

  all(place: Place): StoredObject[] {
    return [...this.#collection(place).values()].filter(
      ({ metadata }) => place.namespace === undefined || metadata.namespace === place.namespace,
    );
  }

  list(place: Place, query: URLSearchParams): Page {
    const token = query.get("continue");
    const items = token === null ? this.#select(place, query) : this.#continuations.get(token);
    if (items === undefined) return "expired";
    const limit = Number(query.get("limit") ?? "0");
    const rest = limit > 0 ? items.slice(limit) : [];
    const next = rest.length === 0 ? undefined : `c${this.#continuations.size + 1}`;
    if (next !== undefined) this.#continuations.set(next, rest);
    return {
      kind: "List",
      apiVersion: place.apiVersion,
      metadata: {
        resourceVersion: this.version,
        ...(next === undefined ? {} : { continue: next, remainingItemCount: rest.length }),
      },
      items: limit > 0 ? items.slice(0, limit) : items,
    };
  }

  #select(place: Place, query: URLSearchParams): StoredObject[] {
    const [labels, fields] = [query.get("labelSelector") ?? "", query.get("fieldSelector") ?? ""];
    return this.all(place).filter((object) => matchesLabels(object, labels) && matchesFields(object, fields));
  }

  #collection({ apiVersion, resource }: Place): Map<string, StoredObject> {
    const key = `${apiVersion}/${resource}`;
    const known = this.#collections.get(key);
    if (known !== undefined) return known;
    const made = new Map<string, StoredObject>();
    this.#collections.set(key, made);
    return made;
  }
}

function keyOf({ namespace = "", name = "" }: { namespace?: string; name?: string }): string {
  return `${namespace}/${name}`;
}
