import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { SandboxStore } from "#core/sandboxes/sandbox-store.ts";
import type { Sandbox, SandboxId } from "#core/sandboxes/sandbox.ts";
import type { Database } from "./database.ts";
import { decodeRecord, encodeRecord } from "./record-json.ts";
import { textOf, type Row } from "./row.ts";

/** Records of sandboxes, in memory as well: the kubelet lists them every second, and this is the only writer. */
export class SqliteSandboxStore implements SandboxStore {
  readonly #database: Database;
  readonly #byId = new Map<string, Sandbox>();

  constructor(database: Database) {
    this.#database = database;
    for (const row of database.all("SELECT id, record FROM sandboxes ORDER BY rowid")) this.#remember(decode(row));
  }

  async get(call: Call, idOrPrefix: string): Promise<Sandbox> {
    const found = await this.find(call, idOrPrefix);
    if (found === undefined) throw new EngineError("notFound", `sandbox ${idOrPrefix}: not found`);
    return found;
  }

  async find(call: Call, idOrPrefix: string): Promise<Sandbox | undefined> {
    const exact = this.#byId.get(idOrPrefix);
    if (exact !== undefined) return exact.namespace === call.namespace ? exact : undefined;
    const fits = idOrPrefix === "" ? [] : (await this.list(call)).filter(({ id }) => id.startsWith(idOrPrefix));
    return fits.length === 1 ? fits[0] : undefined;
  }

  async list({ namespace }: Call): Promise<Sandbox[]> {
    return [...this.#byId.values()].filter((sandbox) => sandbox.namespace === namespace);
  }

  async listAll(): Promise<Sandbox[]> {
    return [...this.#byId.values()];
  }

  async create(call: Call, sandbox: Sandbox): Promise<void> {
    const holder = (await this.list(call)).find(({ name }) => name === sandbox.name);
    if (holder !== undefined) {
      throw new EngineError("alreadyExists", `sandbox name ${sandbox.name}: in use by sandbox ${holder.id}`);
    }
    const record = encodeRecord(sandbox);
    this.#database.run(
      "INSERT INTO sandboxes (namespace, id, name, record) VALUES (?, ?, ?, ?)",
      sandbox.namespace,
      sandbox.id,
      sandbox.name,
      record,
    );
    this.#remember(decodeText(sandbox.id, record));
  }

  async update(call: Call, id: SandboxId, change: (sandbox: Sandbox) => Sandbox): Promise<Sandbox> {
    const before = await this.get(call, id);
    const after = change(before);
    if (after === before) return before;
    const record = encodeRecord(after);
    this.#database.run("UPDATE sandboxes SET record = ? WHERE namespace = ? AND id = ?", record, call.namespace, id);
    return this.#remember(decodeText(id, record));
  }

  async delete(call: Call, id: SandboxId): Promise<void> {
    this.#database.run("DELETE FROM sandboxes WHERE namespace = ? AND id = ?", call.namespace, id);
    this.#byId.delete(id);
  }

  #remember(sandbox: Sandbox): Sandbox {
    this.#byId.set(sandbox.id, sandbox);
    return sandbox;
  }
}

const fields: readonly (keyof Sandbox)[] = ["id", "namespace", "name", "pod", "config", "state", "createdAtNs"];

function decode(row: Row): Sandbox {
  return decodeText(textOf(row, "id"), textOf(row, "record"));
}

function decodeText(id: string, record: string): Sandbox {
  return decodeRecord(record, `database: sandbox ${id}`, fields) as unknown as Sandbox;
}
