import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import type { LeaseId } from "#core/call.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { underLease } from "./images/under-lease.ts";
import { recoverLeases } from "./recover-leases.ts";

test("leases that calls held go, those of clients stay, in every namespace", async () => {
  await using directory = await temporaryDirectory("leases");
  using metadata = SqliteMetadata.open(join(directory.path, "meta.db"));
  const { leases } = metadata;
  const other = testCall({ namespace: "other" });
  await leases.create(other, { id: "client" as LeaseId });
  {
    // Never disposed: the process ended here.
    const undo = new AsyncDisposableStack();
    await underLease(testCall(), { leases }, undo);
    await underLease(other, { leases }, undo);
  }
  assert.equal((await leases.listAll()).length, 3);
  await recoverLeases(testCall(), { leases });
  assert.deepEqual(
    (await leases.listAll()).map(({ id, namespace }) => [namespace, id]),
    [["other", "client"]],
  );
});
