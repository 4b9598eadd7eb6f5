import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { VolumeIndex, VolumeRecord } from "#core/volumes/volume-index.ts";
import { parseNamespace } from "#core/call.ts";
import type { Database } from "./database.ts";
import { decodeRecord, encodeRecord } from "./record-json.ts";
import { textOf, type Row } from "./row.ts";

/** Records of volumes. */
export class SqliteVolumeIndex implements VolumeIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(call: Call, name: string): Promise<VolumeRecord | undefined> {
    const row = this.#database.get("SELECT * FROM volumes WHERE namespace = ? AND name = ?", call.namespace, name);
    return row === undefined ? undefined : decode(row);
  }

  async list(call: Call): Promise<VolumeRecord[]> {
    return this.#database.all("SELECT * FROM volumes WHERE namespace = ? ORDER BY name", call.namespace).map(decode);
  }

  async listAll(): Promise<VolumeRecord[]> {
    return this.#database.all("SELECT * FROM volumes ORDER BY namespace, name").map(decode);
  }

  async insert(call: Call, volume: VolumeRecord): Promise<void> {
    const { changes } = this.#database.run(
      "INSERT OR IGNORE INTO volumes (namespace, name, record) VALUES (?, ?, ?)",
      call.namespace,
      volume.name,
      encodeRecord(volume),
    );
    if (changes === 0) throw new EngineError("alreadyExists", `volume ${volume.name}: already exists`);
  }

  async update(call: Call, volume: VolumeRecord): Promise<void> {
    const { changes } = this.#database.run(
      "UPDATE volumes SET record = ? WHERE namespace = ? AND name = ?",
      encodeRecord(volume),
      call.namespace,
      volume.name,
    );
    if (changes === 0) throw notFound(volume.name);
  }

  async delete(call: Call, name: string): Promise<void> {
    const { changes } = this.#database.run(
      "DELETE FROM volumes WHERE namespace = ? AND name = ?",
      call.namespace,
      name,
    );
    if (changes === 0) throw notFound(name);
  }
}

/** Docker's text. Source: moby daemon/volume/service/errors.go. */
function notFound(name: string): EngineError {
  return new EngineError("notFound", `get ${name}: no such volume`);
}

const fields: readonly (keyof VolumeRecord)[] = ["name", "state", "labels", "options", "anonymous", "createdAtNs"];

function decode(row: Row): VolumeRecord {
  const what = `database: volume ${textOf(row, "name")}`;
  const record = decodeRecord(textOf(row, "record"), what, fields) as unknown as VolumeRecord;
  return { ...record, namespace: parseNamespace(textOf(row, "namespace")) };
}
