import { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";

/** Copies the write-ahead log into the database file, without holding up the writer, and ends. */
const sqlite = new DatabaseSync(String(workerData), { timeout: 1000 });
try {
  sqlite.exec("PRAGMA wal_checkpoint(PASSIVE)");
} finally {
  sqlite.close();
}
