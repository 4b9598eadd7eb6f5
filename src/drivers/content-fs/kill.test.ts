import assert from "node:assert/strict";
import { chmod, readdir, readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { buffer } from "node:stream/consumers";
import { digestOf, parseDigest } from "#core/content/digest.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { testCall } from "#test/support/call.ts";
import { killAfter } from "#test/support/kill-after.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { FsContentStore } from "./fs-content-store.ts";

const script = join(import.meta.dirname, "kill.fixture.ts");
const call = testCall();

test("kill -9 in the middle of ingests: what was committed is there and whole, nothing else is left", async () => {
  await using directory = await temporaryDirectory("content-kill");
  const has = new Set<string>();
  for (let round = 0; round < 8; round++) {
    const at = { lines: 1 + round * 2, delayMs: round * 3 };
    const doubtful = note(has, await killAfter(script, [directory.path, String(round)], at));
    await using fixture = await reopen(directory.path);
    const { store } = fixture;
    const names = new Set<string>();
    for (const { digest } of await store.list(call)) {
      names.add(digest);
      await using reader = await store.open(call, digest);
      assert.equal(digestOf(await buffer(reader.stream())), digest);
    }
    // The last commit before the kill may have been done and not been said.
    const unsaid = [...names].filter((name) => !has.has(name) && !doubtful.has(name));
    assert(unsaid.length <= 1, unsaid.join());
    assert.deepEqual(
      [...has].filter((name) => !names.has(name) && !doubtful.has(name)),
      [],
    );
    const files = await readdir(join(directory.path, "content", "blobs", "sha256"));
    assert.deepEqual(files.map((name) => `sha256:${name}`).sort(), [...names].sort());
    for (const name of doubtful) if (!names.has(name)) has.delete(name);
    for (const name of unsaid) has.add(name);
  }
});

test("kill -9 in the middle of an ingest: the next writer goes on from its bytes", async () => {
  await using directory = await temporaryDirectory("content-resume");
  let resumed = 0;
  // Where a kill hits is chance, more so on a busy machine.
  for (let round = 0; round < 6 || (resumed === 0 && round < 60); round++) {
    await killAfter(script, [directory.path, `r${round}`], { lines: 2 + (round % 6), delayMs: round % 7 });
    await using fixture = await reopen(directory.path);
    const { store } = fixture;
    for (const { ref, offsetBytes } of await store.listIngests(call)) {
      await using writer = await store.openWriter(call, ref);
      assert.equal(writer.offsetBytes, offsetBytes);
      const before = await readFile(writer.path);
      // Two kills may leave the same beginning: an end of its own keeps the blobs apart.
      const end = Buffer.from(`end of ${ref} in round ${round}`);
      await writer.write(end);
      const { digest } = await writer.commit();
      assert.equal(digest, digestOf(Buffer.concat([before, end])));
      resumed += Number(offsetBytes > 0);
    }
    assert.deepEqual(await readdir(join(directory.path, "content", "ingest")), []);
  }
  assert(resumed > 0, "no kill hit an ingest that had bytes");
});

test("recover drops records whose bytes are lost or cut short, with a warning each", async () => {
  await using directory = await temporaryDirectory("content-lost");
  await using fixture = await reopen(directory.path);
  const { store, metadata } = fixture;
  const [lost, kept] = [digestOf("lost"), digestOf("kept")];
  for (const text of ["lost", "kept"]) {
    await using writer = await store.openWriter(call, text);
    await writer.write(Buffer.from(text));
    await writer.commit();
  }
  await metadata.content.insert(call, parseDigest(digestOf("never")), 5, {});
  await metadata.content.insert(testCall({ namespace: "other" }), lost, 4, {});
  const path = join(directory.path, "content", "blobs", "sha256", lost.slice(7));
  await chmod(path, 0o600);
  await truncate(path, 2);
  const warnings: string[] = [];
  const log = { ...call.log, warn: (_: object, message: string) => void warnings.push(message) };
  await store.recover(testCall({ log }));
  assert.deepEqual(
    (await store.list(call)).map(({ digest }) => digest),
    [kept],
  );
  assert.equal(warnings.length, 2);
  await assert.rejects(stat(path), { code: "ENOENT" });
  // It can be had again.
  await using writer = await store.openWriter(call, "again", { digest: lost });
  await writer.write(Buffer.from("lost"));
  await writer.commit();
});

function note(has: Set<string>, lines: string[]): Set<string> {
  const doubtful = new Set<string>();
  for (const line of lines) {
    const digest = line.slice(line.lastIndexOf(" ") + 1);
    if (line.startsWith("has ")) has.add(digest);
    if (line.startsWith("may lack ")) doubtful.add(digest);
    if (!line.startsWith("lacks ")) continue;
    doubtful.delete(digest);
    has.delete(digest);
  }
  return doubtful;
}

async function reopen(directory: string) {
  const metadata = SqliteMetadata.open(join(directory, "meta.db"));
  const store = await FsContentStore.open(join(directory, "content"), metadata.content);
  await store.recover(call);
  return { store, metadata, [Symbol.asyncDispose]: async () => metadata.close() };
}
