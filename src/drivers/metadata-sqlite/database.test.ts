import assert from "node:assert/strict";
import { open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { EngineError, kindOf } from "#base/errors.ts";
import { sampleContainer } from "#core/containers/container.fixture.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { digestOf } from "#core/content/digest.ts";
import { testCall } from "#test/support/call.ts";
import { eventually } from "#test/support/eventually.ts";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { Database } from "./database.ts";
import { encodeRecord } from "./record-json.ts";
import { migrations } from "./schema.ts";
import { SqliteMetadata } from "./sqlite-metadata.ts";

test("the file is the owner's only, and of the current version", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  using database = Database.open(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual({ ...database.get("PRAGMA user_version") }, { user_version: BigInt(migrations.length) });
  assert.deepEqual({ ...database.get("PRAGMA journal_mode") }, { journal_mode: "wal" });
  assert.deepEqual({ ...database.get("PRAGMA foreign_keys") }, { foreign_keys: 1n });
});

test("a file of a newer version is refused and left alone", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  const sqlite = new DatabaseSync(path);
  sqlite.exec("PRAGMA user_version = 99; CREATE TABLE theirs (x)");
  sqlite.close();
  const error = caught(() => SqliteMetadata.open(path));
  assert.equal(kindOf(error), "failedPrecondition");
  assert.match(error.message, /version 99 is newer than this ferryd knows/);
  using after = new DatabaseSync(path);
  assert.equal(after.prepare("SELECT count(*) AS n FROM theirs").get()?.["n"], 0);
});

test("what is no database, or damaged, is said with what to do", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  await writeFile(path, "not a database at all, but some text that is long enough to be read as a header of one......");
  const error = caught(() => SqliteMetadata.open(path));
  assert.equal(kindOf(error), "dataLoss");
  assert.match(error.message, /damaged .*restore a copy, or move .* away to begin empty$/);
  assert.match(await readFile(path, "utf8"), /^not a database/);
});

test("damage inside the file is dataLoss", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  {
    using metadata = SqliteMetadata.open(path);
    for (let n = 16; n < 100; n++) await metadata.containers.create(testCall(), sampleContainer(n.toString(16)));
  }
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size - 4096, 0x5a), 0, size - 4096, 4096);
  assert.equal(kindOf(caught(() => SqliteMetadata.open(path))), "dataLoss");
});

test("a container's record that nobody can read stands in nobody's way", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  const call = testCall();
  const good = sampleContainer("aa");
  {
    using metadata = SqliteMetadata.open(path);
    await metadata.containers.create(call, good);
    await metadata.content.insert(call, digestOf("lonely"), 1, {});
    await metadata.content.insert(testCall({ namespace: "other" }), digestOf("lonely"), 1, {});
  }
  const noImage = encodeRecord({ ...sampleContainer("bad"), id: "bad", image: "alpine" });
  for (const [record, text] of [
    ["{", /container bad \(n, namespace default\): .* its record is unreadable; remove it with force/],
    ["[]", /its record is no object/],
    ["{}", /id is missing/],
    [noImage, /image is not what it should be/],
  ] as const) {
    {
      using database = Database.open(path);
      database.run("DELETE FROM containers WHERE id = 'bad'");
      database.run("INSERT INTO containers (namespace, id, name, record) VALUES ('default', 'bad', 'n', ?)", record);
    }
    using metadata = SqliteMetadata.open(path);
    const { containers } = metadata;
    assert.deepEqual(await containers.list(call), [good]);
    const [unreadable] = await containers.listUnreadable();
    assert.match(unreadable?.error.message ?? "", text);
    for (const name of ["n", "/n", "bad", "ba"]) await fails("dataLoss", containers.resolve(call, name), text);
    await fails("conflict", containers.create(call, sampleContainer("cc", { name: "n" })), /in use by container "bad"/);
    // It may keep anything of its namespace, and nothing of another.
    assert.deepEqual(
      (await metadata.graph.collect(call)).filter(({ namespace }) => namespace === call.namespace),
      [],
    );
    assert.equal((await metadata.content.list(call)).length, 1);
    assert.equal((await metadata.content.list(testCall({ namespace: "other" }))).length, 0);
  }
  using metadata = SqliteMetadata.open(path);
  await metadata.containers.delete(call, "bad" as ContainerId);
  assert.deepEqual(await metadata.containers.listUnreadable(), []);
  await metadata.containers.create(call, sampleContainer("cc", { name: "n" }));
  assert.equal((await metadata.graph.collect(call)).length, 1);
});

test("a transaction is done as a whole or not at all, also inside another", async () => {
  await using directory = await temporaryDirectory("database");
  using database = Database.open(join(directory.path, "meta.db"));
  const insert = (id: string) =>
    database.run("INSERT INTO leases (namespace, id, labels, created_ns) VALUES ('default', ?, '{}', 0)", id);
  const failing = () =>
    database.transaction(() => {
      insert("one");
      database.transaction(() => insert("two"));
      throw new EngineError("aborted", "no");
    });
  assert.equal(kindOf(caught(failing)), "aborted");
  assert.deepEqual(database.all("SELECT id FROM leases"), []);
  database.transaction(() => insert("three"));
  assert.equal(database.all("SELECT id FROM leases").length, 1);
});

test("the log is copied into the file by another thread, and begins anew", async () => {
  await using directory = await temporaryDirectory("database");
  const path = join(directory.path, "meta.db");
  using metadata = SqliteMetadata.open(path);
  const call = testCall();
  const { id } = sampleContainer("abc");
  await metadata.containers.create(call, sampleContainer("abc"));
  const text = "x".repeat(20_000);
  const write = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await metadata.containers.update(call, id, (container) => ({ ...container, labels: { n: String(n), text } }));
    }
  };
  await write(3000);
  const length = async () => (await stat(`${path}-wal`)).size;
  assert((await length()) > 20_000_000);
  // Once it is copied the log begins anew. SQLite's own checkpoint is further off than all of this writes.
  await eventually("the log has begun anew", async () => {
    await write(5);
    return (await length()) < 20_000_000;
  });
});

function caught(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
  return assert.fail("nothing was thrown");
}
