import { chmodSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { EngineError, isKind } from "#base/errors.ts";
import { Checkpointer } from "./checkpointer.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { bigintOf, type Row } from "./row.ts";
import { migrations } from "./schema.ts";
import { toEngineError } from "./sqlite-error.ts";

/** The checkpointer keeps the log far below; 64 MiB. */
const lastResortPages = 16_384;

/**
 * The one connection to `meta.db`: write-ahead log, foreign keys on, statements prepared once.
 *
 * A commit survives `kill -9` when the call returns, a power failure as soon as the log is synced (the kernel's time or
 * the next checkpoint); the file is never corrupt after either. Statements run on the calling thread and do not wait for
 * the disk, but for one: the first write after the log was copied begins it anew and syncs its head, once per 4 MiB of
 * log. Beside a process that saturates the disk that took up to 0.2 s; a write of its own on the checkpointer's thread
 * would not help, since the others would wait for its lock. Everything else is synced by the checkpointer's thread.
 */
export class Database implements Disposable {
  readonly path: string;
  readonly #sqlite: DatabaseSync;
  readonly #checkpointer: Checkpointer;
  readonly #reserve: DiskReserve;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, sqlite: DatabaseSync, reserve: DiskReserve) {
    this.path = path;
    this.#sqlite = sqlite;
    this.#checkpointer = new Checkpointer(path);
    this.#reserve = reserve;
  }

  /**
   * Opens or makes the file and brings its schema up to date. The caller disposes.
   *
   * @throws dataLoss when it is no database or damaged
   * @throws failedPrecondition when a newer Ferry wrote it
   */
  static open(path: string): Database {
    const reserve = new DiskReserve(`${path}-reserve`);
    const database = withReserve(reserve, () => Database.#openWith(path, reserve));
    reserve.fill();
    return database;
  }

  static #openWith(path: string, reserve: DiskReserve): Database {
    let sqlite: DatabaseSync | undefined;
    try {
      sqlite = new DatabaseSync(path, { timeout: 2000 });
      chmodSync(path, 0o600);
      sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
      sqlite.exec(`PRAGMA wal_autocheckpoint = ${lastResortPages}; PRAGMA journal_size_limit = 1048576`);
      const database = new Database(path, sqlite, reserve);
      database.#migrate();
      return database;
    } catch (error) {
      sqlite?.close();
      throw toEngineError(path, error);
    }
  }

  /** Rows of a query; every INTEGER is a bigint. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values));
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastRowId: bigint } {
    return this.#guard(() => {
      const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
      this.#checkpointer.noteWrite();
      return { changes: Number(changes), lastRowId: BigInt(lastInsertRowid) };
    });
  }

  /** Does `work`, which must not await, as a whole or not at all. Inside another transaction it is a part of that one. */
  transaction<T>(work: () => T): T {
    if (this.#sqlite.isTransaction) return work();
    return this.#guard(() => {
      this.#sqlite.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#sqlite.exec("COMMIT");
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, a full disk for one.
        if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
        throw error;
      }
    });
  }

  close(): void {
    if (!this.#sqlite.isOpen) return;
    this.#statements.clear();
    this.#reserve.close();
    this.#sqlite.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #migrate(): void {
    const row = this.get("PRAGMA user_version");
    const version = row === undefined ? 0 : Number(bigintOf(row, "user_version"));
    if (version > migrations.length) {
      throw new EngineError(
        "failedPrecondition",
        `database ${this.path}: version ${version} is newer than this ferryd knows (${migrations.length}); start the newer ferryd`,
      );
    }
    for (const [index, step] of migrations.entries()) {
      if (index < version) continue;
      this.transaction(() => {
        this.#sqlite.exec(step);
        this.#sqlite.exec(`PRAGMA user_version = ${index + 1}`);
      });
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** A full disk: once more with the reserve let go, unless this is a part of a transaction, which is done again whole. */
  #guard<T>(work: () => T): T {
    const once = () => {
      try {
        return work();
      } catch (error) {
        throw toEngineError(this.path, error);
      }
    };
    return this.#sqlite.isTransaction ? once() : withReserve(this.#reserve, once);
  }
}

/** Does `work`, again and again while the disk is full and some of the reserve can be let go. */
function withReserve<T>(reserve: DiskReserve, work: () => T): T {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isKind(error, "resourceExhausted") || !reserve.release()) throw error;
    }
  }
}
