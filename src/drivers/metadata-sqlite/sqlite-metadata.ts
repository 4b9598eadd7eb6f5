import { Database } from "./database.ts";
import { SqliteContainerStore } from "./sqlite-container-store.ts";
import { SqliteContentIndex } from "./sqlite-content-index.ts";
import { SqliteImageStore } from "./sqlite-image-store.ts";
import { SqliteLeaseStore } from "./sqlite-lease-store.ts";
import { SqliteNetworkStore } from "./sqlite-network-store.ts";
import { SqliteReferenceGraph } from "./sqlite-reference-graph.ts";
import { SqliteSandboxStore } from "./sqlite-sandbox-store.ts";
import { SqliteSnapshotIndex } from "./sqlite-snapshot-index.ts";
import { SqliteVolumeIndex } from "./sqlite-volume-index.ts";

/** Every record of the engine in one SQLite file, `meta.db`. Disposing closes it; the stores are of no use then. */
export class SqliteMetadata implements Disposable {
  readonly #database: Database;
  readonly content: SqliteContentIndex;
  readonly images: SqliteImageStore;
  readonly leases: SqliteLeaseStore;
  readonly containers: SqliteContainerStore;
  readonly networks: SqliteNetworkStore;
  readonly volumes: SqliteVolumeIndex;
  readonly sandboxes: SqliteSandboxStore;
  readonly graph: SqliteReferenceGraph;

  private constructor(database: Database) {
    this.#database = database;
    this.content = new SqliteContentIndex(database);
    this.images = new SqliteImageStore(database);
    this.leases = new SqliteLeaseStore(database);
    this.containers = new SqliteContainerStore(database);
    this.networks = new SqliteNetworkStore(database);
    this.volumes = new SqliteVolumeIndex(database);
    this.sandboxes = new SqliteSandboxStore(database);
    this.graph = new SqliteReferenceGraph(database, this.containers);
  }

  /**
   * Opens or makes the file; its directory is there already.
   *
   * @throws dataLoss when it is damaged (the text says what to do)
   * @throws failedPrecondition when a newer Ferry wrote it
   * @throws resourceExhausted when its disk is full
   */
  static open(path: string): SqliteMetadata {
    const database = Database.open(path);
    try {
      return new SqliteMetadata(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Records of the snapshotter of that name. */
  snapshots(snapshotter: string): SqliteSnapshotIndex {
    return new SqliteSnapshotIndex(this.#database, snapshotter);
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
