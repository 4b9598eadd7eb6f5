import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { parseNamespace, type Call, type Namespace } from "#core/call.ts";
import type { ContainerStore } from "#core/containers/container-store.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { UnreadableContainer } from "#core/containers/container-store.ts";
import type { Database } from "./database.ts";
import { decodeRecord, encodeRecord } from "./record-json.ts";
import { isObject, textOf, type Row } from "./row.ts";

type Shelf = { readonly byId: Map<string, Container>; readonly idByName: Map<string, ContainerId> };

const emptyShelf: Shelf = { byId: new Map(), idByName: new Map() };

/**
 * Records of containers. All of them are in memory as well, decoded: this is the only writer, and `ps` reads them all.
 * Memory follows the file: it changes after the commit.
 */
export class SqliteContainerStore implements ContainerStore {
  readonly #database: Database;
  readonly #shelves = new Map<Namespace, Shelf>();
  readonly #unreadable = new Map<string, UnreadableContainer>();

  constructor(database: Database) {
    this.#database = database;
    for (const row of database.all("SELECT namespace, id, name, record FROM containers ORDER BY rowid")) {
      const owner = ownerOf(row);
      try {
        this.#remember(decodeText(owner.id, textOf(row, "record")));
      } catch (error) {
        if (!isKind(error, "dataLoss")) throw error;
        this.#unreadable.set(keyOf(owner), { ...owner, error: withRemedy(owner, error) });
      }
    }
  }

  async get(call: Call, id: ContainerId): Promise<Container> {
    return this.#get(call, id);
  }

  async find(call: Call, id: ContainerId): Promise<Container | undefined> {
    return this.#shelf(call.namespace).byId.get(id);
  }

  async resolve(call: Call, idOrName: string): Promise<Container> {
    const { byId, idByName } = this.#shelf(call.namespace);
    const id = idByName.get(idOrName.replace(/^\//, ""));
    const exact = byId.get(idOrName) ?? (id === undefined ? undefined : byId.get(id));
    if (exact === undefined) this.#refuseUnreadable(call, idOrName);
    return exact ?? resolvePrefix(byId, idOrName);
  }

  async list(call: Call): Promise<Container[]> {
    return [...this.#shelf(call.namespace).byId.values()];
  }

  async listAll(): Promise<Container[]> {
    return this.listAllSync();
  }

  /** As {@link listAll}, for the transaction of a garbage collection. */
  listAllSync(): Container[] {
    return [...this.#shelves.values()].flatMap((shelf) => Array.from(shelf.byId.values()));
  }

  async listUnreadable(): Promise<UnreadableContainer[]> {
    return [...this.#unreadable.values()];
  }

  /** Namespaces whose containers are not all known. */
  unreadableNamespacesSync(): Set<Namespace> {
    return new Set([...this.#unreadable.values()].map(({ namespace }) => namespace));
  }

  async create(call: Call, container: Container): Promise<void> {
    this.#requireOwn(call, container);
    const shelf = this.#shelf(call.namespace);
    if (shelf.byId.has(container.id)) throw new EngineError("conflict", `container ${container.id}: already exists`);
    this.#requireFreeName(shelf, container);
    const record = encodeRecord(container);
    this.#database.run(
      "INSERT INTO containers (namespace, id, name, record) VALUES (?, ?, ?, ?)",
      container.namespace,
      container.id,
      container.name,
      record,
    );
    this.#remember(decodeText(container.id, record));
  }

  async update(call: Call, id: ContainerId, change: (container: Container) => Container): Promise<Container> {
    const before = this.#get(call, id);
    const after = change(before);
    if (after === before) return before;
    if (after.id !== id) throw new Error(`container ${id}: a change may not give it another id`);
    this.#requireOwn(call, after);
    this.#requireFreeName(this.#shelf(call.namespace), after);
    const record = encodeRecord(after);
    this.#database.run(
      "UPDATE containers SET name = ?, record = ? WHERE namespace = ? AND id = ?",
      after.name,
      record,
      call.namespace,
      id,
    );
    this.#shelf(call.namespace).idByName.delete(before.name);
    return this.#remember(decodeText(id, record));
  }

  async delete(call: Call, id: ContainerId): Promise<void> {
    const isUnreadable = this.#unreadable.has(keyOf({ namespace: call.namespace, id }));
    const name = isUnreadable ? "" : this.#get(call, id).name;
    this.#database.run("DELETE FROM containers WHERE namespace = ? AND id = ?", call.namespace, id);
    this.#unreadable.delete(keyOf({ namespace: call.namespace, id }));
    const shelf = this.#shelf(call.namespace);
    shelf.byId.delete(id);
    shelf.idByName.delete(name);
    if (shelf.byId.size === 0) this.#shelves.delete(call.namespace);
  }

  #get(call: Call, id: ContainerId): Container {
    const container = this.#shelf(call.namespace).byId.get(id);
    if (container !== undefined) return container;
    this.#refuseUnreadable(call, id);
    throw notFound(id);
  }

  #refuseUnreadable(call: Call, text: string): void {
    for (const { namespace, id, name, error } of this.#unreadable.values()) {
      const asked = name === text.replace(/^\//, "") || (text !== "" && id.startsWith(text));
      if (namespace === call.namespace && asked) throw error;
    }
  }

  #shelf(namespace: Namespace): Shelf {
    return this.#shelves.get(namespace) ?? emptyShelf;
  }

  #remember(container: Container): Container {
    const shelf = this.#shelves.get(container.namespace) ?? { byId: new Map(), idByName: new Map() };
    this.#shelves.set(container.namespace, shelf);
    shelf.byId.set(container.id, container);
    shelf.idByName.set(container.name, container.id);
    return container;
  }

  #requireOwn(call: Call, container: Container): void {
    if (container.namespace === call.namespace) return;
    throw new Error(`container ${container.id}: of namespace ${container.namespace}, called in ${call.namespace}`);
  }

  /** Docker's text, which its clients and tools look for. Source: moby daemon/errors.go. */
  #requireFreeName(shelf: Shelf, { id, name, namespace }: Container): void {
    const unreadable = [...this.#unreadable.values()].find((it) => it.namespace === namespace && it.name === name);
    const holder = shelf.idByName.get(name) ?? unreadable?.id;
    if (holder === undefined || holder === id) return;
    throw new EngineError(
      "conflict",
      `Conflict. The container name ${JSON.stringify(`/${name}`)} is already in use by container ${JSON.stringify(holder)}. ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
  }
}

function resolvePrefix(byId: ReadonlyMap<string, Container>, prefix: string): Container {
  const matches = prefix === "" ? [] : [...byId.values()].filter(({ id }) => id.startsWith(prefix));
  const [match] = matches;
  if (match === undefined) throw notFound(prefix);
  if (matches.length === 1) return match;
  throw new EngineError("invalidArgument", `multiple IDs found with provided prefix: ${prefix}`);
}

/** Docker's text. Source: moby daemon/container/view.go. */
function notFound(idOrName: string): EngineError {
  return new EngineError("notFound", `No such container: ${idOrName}`);
}

type Owner = Omit<UnreadableContainer, "error">;

function ownerOf(row: Row): Owner {
  const [id, name] = [textOf(row, "id"), textOf(row, "name")];
  return { id: id as ContainerId, name, namespace: parseNamespace(textOf(row, "namespace")) };
}

function keyOf({ namespace, id }: Pick<Owner, "namespace" | "id">): string {
  return `${namespace}/${id}`;
}

function withRemedy({ id, name, namespace }: Owner, error: unknown): EngineError {
  const text =
    `container ${id} (${name}, namespace ${namespace}): ${messageOf(error)}; remove it with force, or stop the daemon ` +
    'and mend the column "record" of its row in the table "containers"';
  return new EngineError("dataLoss", text, { cause: error });
}

const fields: readonly (keyof Container)[] = [
  "id",
  "namespace",
  "name",
  "labels",
  "image",
  "snapshotter",
  "snapshotKey",
  "runtimeHandler",
  "config",
  "status",
  "attachments",
  "logPath",
  "extensions",
  "createdAtNs",
];

function decodeText(id: string, text: string): Container {
  const what = `database: container ${id}`;
  const record = decodeRecord(text, what, fields);
  const { labels, image, config, status, attachments, extensions } = record;
  const objects = { labels, image, config, status, extensions };
  for (const [name, value] of Object.entries(objects)) if (!isObject(value)) throw misshapen(what, name);
  const { mounts, networks, restart } = config as Record<string, unknown>;
  for (const [name, value] of Object.entries({ attachments, mounts, networks })) {
    if (!Array.isArray(value) || !value.every(isObject)) throw misshapen(what, name);
  }
  if (!isObject(restart)) throw misshapen(what, "restart");
  if (record["id"] !== id) throw misshapen(what, "id");
  return record as unknown as Container;
}

function misshapen(what: string, field: string): EngineError {
  return new EngineError("dataLoss", `${what}: ${field} is not what it should be`);
}
