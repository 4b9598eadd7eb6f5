import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { buffer } from "node:stream/consumers";
import { kindOf } from "#base/errors.ts";
import { digestOf } from "#core/content/digest.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { sampleContainer } from "#core/containers/container.fixture.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { FsContentStore } from "./fs-content-store.ts";

const call = testCall();

/** A file system of `size` below a temporary directory. */
async function smallDisk(size: string) {
  await using stack = new AsyncDisposableStack();
  const path = join(stack.use(await temporaryDirectory("full")).path, "disk");
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  stack.defer(() => void execFileSync("umount", [path]));
  const owned = stack.move();
  return { path, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

test("a full disk: ingest fails by name, keeps its beginning, and goes on when there is room", async (t) => {
  if (!requireRoot(t)) return;
  await using disk = await smallDisk("8m");
  await using directory = await temporaryDirectory("full-meta");
  using metadata = SqliteMetadata.open(join(directory.path, "meta.db"));
  const root = join(disk.path, "content");
  const store = await FsContentStore.open(root, metadata.content);
  const small = await put(store, randomBytes(1_000_000));
  const ballast = join(disk.path, "ballast");
  await writeFile(ballast, Buffer.alloc(4_000_000));
  const data = randomBytes(5_000_000);
  const message = `content store ${root}: no space left on its disk`;
  {
    await using writer = await store.openWriter(call, "big", { digest: digestOf(data), sizeBytes: data.length });
    const whole = async () => {
      for (let at = 0; at < data.length; at += 100_000) await writer.write(data.subarray(at, at + 100_000));
      await writer.commit();
    };
    await fails("resourceExhausted", whole(), message);
    await fails("resourceExhausted", writer.commit(), message);
  }
  await store.recover(call);
  assert.deepEqual(
    (await store.list(call)).map(({ digest }) => digest),
    [small],
  );
  await rm(ballast);
  await using writer = await store.openWriter(call, "big", { digest: digestOf(data), sizeBytes: data.length });
  assert(writer.offsetBytes > 1_000_000, `${writer.offsetBytes}`);
  await writer.write(data.subarray(writer.offsetBytes));
  await writer.commit();
  await using reader = await store.open(call, digestOf(data));
  assert.equal(digestOf(await buffer(reader.stream())), digestOf(data));
});

test("a full disk: a record that cannot be written fails by name and the database stays whole", async (t) => {
  if (!requireRoot(t)) return;
  await using disk = await smallDisk("2m");
  const path = join(disk.path, "meta.db");
  const extensions = { test: { text: "x".repeat(50_000) } };
  const ids: string[] = [];
  {
    using metadata = SqliteMetadata.open(path);
    for (;;) {
      const container = sampleContainer((ids.length + 256).toString(16), { extensions });
      try {
        await metadata.containers.create(call, container);
        ids.push(container.id);
      } catch (error) {
        assert.equal(kindOf(error), "resourceExhausted", String(error));
        assert.equal((error as Error).message, `database ${path}: no space left on its disk`);
        assert.equal(await metadata.containers.find(call, container.id), undefined);
        break;
      }
    }
    assert(ids.length > 5);
    // Reads go on.
    assert.deepEqual(
      (await metadata.containers.list(call)).map(({ id }) => id),
      ids,
    );
  }
  {
    using metadata = SqliteMetadata.open(path);
    assert.deepEqual(
      (await metadata.containers.list(call)).map(({ id }) => id),
      ids,
    );
  }
  assert.deepEqual(
    (await readdir(disk.path)).filter((name) => !name.startsWith("meta.db")),
    [],
  );
});

async function put(store: FsContentStore, data: Uint8Array) {
  await using writer = await store.openWriter(call, digestOf(data));
  await writer.write(data);
  return (await writer.commit()).digest;
}
