import { EngineError } from "#base/errors.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { ContainerStore } from "#core/containers/container-store.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { Database } from "./database.ts";
import { decodeRecord, encodeRecord } from "./record-json.ts";
import { textOf, type Row } from "./row.ts";

type Shelf = { readonly byId: Map<string, Container>; readonly idByName: Map<string, ContainerId> };

const emptyShelf: Shelf = { byId: new Map(), idByName: new Map() };

/**
 * Records of containers. All of them are in memory as well, decoded: this is the only writer, and `ps` reads them all.
 * Memory follows the file: it changes after the commit.
 */
export class SqliteContainerStore implements ContainerStore {
  readonly #database: Database;
  readonly #shelves = new Map<Namespace, Shelf>();

  constructor(database: Database) {
    this.#database = database;
    for (const row of database.all("SELECT namespace, id, record FROM containers ORDER BY rowid")) {
      this.#remember(decode(row));
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
    const { name } = this.#get(call, id);
    this.#database.run("DELETE FROM containers WHERE namespace = ? AND id = ?", call.namespace, id);
    const shelf = this.#shelf(call.namespace);
    shelf.byId.delete(id);
    shelf.idByName.delete(name);
    if (shelf.byId.size === 0) this.#shelves.delete(call.namespace);
  }

  #get(call: Call, id: ContainerId): Container {
    const container = this.#shelf(call.namespace).byId.get(id);
    if (container === undefined) throw notFound(id);
    return container;
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
  #requireFreeName(shelf: Shelf, { id, name }: Container): void {
    const holder = shelf.idByName.get(name);
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

function decode(row: Row): Container {
  return decodeText(textOf(row, "id"), textOf(row, "record"));
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
  return decodeRecord(text, `database: container ${id}`, fields) as unknown as Container;
}
