import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { NetworkStore } from "#core/networks/network-store.ts";
import type { Network, NetworkId } from "#core/networks/network.ts";
import type { Database } from "./database.ts";
import { decodeRecord, encodeRecord } from "./record-json.ts";
import { textOf, type Row } from "./row.ts";

/** Records of networks. */
export class SqliteNetworkStore implements NetworkStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(call: Call, idOrName: string): Promise<Network> {
    const networks = this.#list(call);
    const exact = networks.find(({ id }) => id === idOrName) ?? networks.find(({ name }) => name === idOrName);
    return exact ?? resolvePrefix(networks, idOrName);
  }

  async list(call: Call): Promise<Network[]> {
    return this.#list(call);
  }

  async listAll(): Promise<Network[]> {
    return this.#database.all("SELECT id, record FROM networks ORDER BY rowid").map(decode);
  }

  async create(call: Call, network: Network): Promise<void> {
    const { changes } = this.#database.run(
      "INSERT OR IGNORE INTO networks (namespace, id, name, record) VALUES (?, ?, ?, ?)",
      call.namespace,
      network.id,
      network.name,
      encodeRecord(network),
    );
    if (changes === 0) throw new EngineError("alreadyExists", `network with name ${network.name} already exists`);
  }

  async delete(call: Call, id: NetworkId): Promise<void> {
    const { changes } = this.#database.run("DELETE FROM networks WHERE namespace = ? AND id = ?", call.namespace, id);
    if (changes === 0) throw notFound(id);
  }

  #list(call: Call): Network[] {
    const sql = "SELECT id, record FROM networks WHERE namespace = ? ORDER BY rowid";
    return this.#database.all(sql, call.namespace).map(decode);
  }
}

function resolvePrefix(networks: readonly Network[], prefix: string): Network {
  const matches = prefix === "" ? [] : networks.filter(({ id }) => id.startsWith(prefix));
  const [match] = matches;
  if (match === undefined) throw notFound(prefix);
  if (matches.length === 1) return match;
  throw new EngineError(
    "invalidArgument",
    `network ${prefix} is ambiguous (${matches.length} matches found on ID prefix)`,
  );
}

/** Docker's text. Source: moby daemon/libnetwork/error.go. */
function notFound(idOrName: string): EngineError {
  return new EngineError("notFound", `network ${idOrName} not found`);
}

const fields: readonly (keyof Network)[] = ["id", "name", "driver", "subnets", "labels", "options", "createdAtNs"];

function decode(row: Row): Network {
  const what = `database: network ${textOf(row, "id")}`;
  return decodeRecord(textOf(row, "record"), what, fields) as unknown as Network;
}
