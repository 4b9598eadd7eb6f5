import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import test from "node:test";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { LeaseStore } from "#core/leases/lease-store.ts";
import { testCall } from "#test/support/call.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { fails } from "#test/support/fails.ts";
import type { ContentStore } from "./content-store.ts";
import { digestOf, type Digest } from "./digest.ts";

/** A store without content. Disposing fails when something is left over that should not be. */
export type ContentStoreFixture = AsyncDisposable & { readonly store: ContentStore; readonly leases: LeaseStore };

/** What every content store does. `make` gives a fresh one for each test. */
export function contentStoreContract(name: string, make: () => Promise<ContentStoreFixture>): void {
  const one = testCall({ namespace: "one" });
  const two = testCall({ namespace: "two" });
  const data = randomBytes(3_000_000);
  const digest = digestOf(data);
  const expected = { digest, sizeBytes: data.length };
  const contract = (title: string, body: (fixture: ContentStoreFixture) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });
  };

  contract("what was written can be read, whole and in parts", async ({ store }) => {
    const info = await ingest(store, one, data, { labels: { a: "b" } });
    assert.deepEqual([info.digest, info.sizeBytes, info.labels], [digest, data.length, { a: "b" }]);
    assert.deepEqual(await store.get(one, digest), info);
    assert.deepEqual(await store.list(one), [info]);
    await using reader = await store.open(one, digest);
    assert.equal(reader.sizeBytes, data.length);
    assert.deepEqual(await buffer(reader.stream()), data);
    assert.deepEqual(await buffer(reader.stream({ start: 5, end: 700_000 })), data.subarray(5, 700_000));
    assert.deepEqual(await buffer(reader.stream({ start: 9, end: 9 })), Buffer.alloc(0));
    assert.deepEqual(Buffer.from(await reader.read(data.length - 3, 100)), data.subarray(-3));
    assert.deepEqual(await readFile(reader.path), data);
  });

  contract("a stream that is given up leaves the reader usable", async ({ store }) => {
    await ingest(store, one, data);
    await using reader = await store.open(one, digest);
    for await (const _chunk of reader.stream()) break;
    assert.deepEqual(Buffer.from(await reader.read(0, 4)), data.subarray(0, 4));
  });

  contract("a chunk may be reused once write has returned", async ({ store }) => {
    await using writer = await store.openWriter(one, "reused", expected);
    const chunk = Buffer.alloc(10_000);
    for (let at = 0; at < data.length; at += chunk.length) {
      const length = data.copy(chunk, 0, at);
      await writer.write(chunk.subarray(0, length));
      chunk.fill(0);
    }
    await writer.commit();
    await using reader = await store.open(one, digest);
    assert.deepEqual(digestOf(await buffer(reader.stream())), digest);
  });

  contract("an empty blob is a blob", async ({ store }) => {
    const info = await ingest(store, one, Buffer.alloc(0));
    await using reader = await store.open(one, info.digest);
    assert.deepEqual(await buffer(reader.stream()), Buffer.alloc(0));
  });

  contract("sha512 digests", async ({ store }) => {
    const digest = digestOf(data, "sha512");
    await using writer = await store.openWriter(one, "late", {});
    await writer.write(data);
    assert.equal((await writer.commit({ digest })).digest, digest);
    await using early = await store.openWriter(two, "early", { digest: digestOf("x", "sha512") });
    await early.write(Buffer.from("x"));
    assert.equal((await early.commit()).digest, digestOf("x", "sha512"));
  });

  contract("what is missing is not found", async ({ store }) => {
    assert.equal(await store.find(one, digest), undefined);
    await fails("notFound", store.get(one, digest));
    await fails("notFound", store.open(one, digest));
    await fails("notFound", store.delete(one, digest));
    await fails("notFound", store.updateLabels(one, digest, { a: "b" }));
    await fails("notFound", store.abortIngest(one, "none"));
  });

  contract("a wrong digest or size names nothing and leaves nothing", async ({ store }) => {
    await fails("dataLoss", ingest(store, one, Buffer.from("other"), { digest, sizeBytes: 5 }));
    await fails("dataLoss", ingest(store, one, data.subarray(1), expected));
    await fails("dataLoss", ingest(store, one, Buffer.concat([data, data]), expected));
    assert.deepEqual([await store.list(one), await store.listIngests(one)], [[], []]);
  });

  contract("an ingest goes on where it was left", async ({ store }) => {
    {
      await using writer = await store.openWriter(one, "layer", expected);
      await writer.write(data.subarray(0, 1_000_001));
    }
    const [left] = await store.listIngests(one);
    assert.deepEqual([left?.ref, left?.offsetBytes, left?.totalBytes], ["layer", 1_000_001, data.length]);
    await using writer = await store.openWriter(one, "layer", expected);
    assert.equal(writer.offsetBytes, 1_000_001);
    await writer.write(data.subarray(1_000_001));
    assert.equal((await writer.commit()).digest, digest);
    assert.deepEqual(await store.listIngests(one), []);
  });

  contract("an ingest that is whole can be committed by a later writer", async ({ store }) => {
    {
      await using writer = await store.openWriter(one, "layer", expected);
      await writer.write(data);
    }
    await using writer = await store.openWriter(one, "layer", expected);
    assert.equal((await writer.commit()).digest, digest);
  });

  contract("truncate goes back", async ({ store }) => {
    await using writer = await store.openWriter(one, "layer", expected);
    await writer.write(Buffer.concat([data.subarray(0, 900_000), Buffer.from("wrong")]));
    await writer.truncate(900_000);
    await writer.write(data.subarray(900_000, 950_000));
    await writer.truncate(0);
    assert.equal(writer.offsetBytes, 0);
    await fails("outOfRange", writer.truncate(1));
    await writer.write(data);
    assert.equal((await writer.commit()).digest, digest);
  });

  contract("bytes are in the writer's file soon after they were written", async ({ store }) => {
    await using writer = await store.openWriter(one, "followed", expected);
    await writer.write(data.subarray(0, 100_000));
    await eventuallyEqual(async () => await readFile(writer.path), data.subarray(0, 100_000));
  });

  contract("one writer per ref and namespace", async ({ store }) => {
    await using _writer = await store.openWriter(one, "ref");
    await fails("unavailable", store.openWriter(one, "ref"));
    await fails("unavailable", store.abortIngest(one, "ref"));
    await using _other = await store.openWriter(two, "ref");
  });

  contract("an ingest can be given up", async ({ store }) => {
    {
      await using writer = await store.openWriter(one, "ref");
      await writer.write(data);
    }
    await fails("notFound", store.abortIngest(two, "ref"));
    await store.abortIngest(one, "ref");
    assert.deepEqual(await store.listIngests(one), []);
  });

  contract("a writer that is closed takes no more", async ({ store }) => {
    const writer = await store.openWriter(one, "ref");
    await writer[Symbol.asyncDispose]();
    await writer[Symbol.asyncDispose]();
    await fails("failedPrecondition", writer.write(data));
    await fails("failedPrecondition", writer.commit());
  });

  contract("two ingests of the same blob: the second finds it", async ({ store }) => {
    await using first = await store.openWriter(one, "first");
    await using second = await store.openWriter(one, "second");
    await Promise.all([first.write(data), second.write(data)]);
    const results = await Promise.allSettled([first.commit(expected), second.commit(expected)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    for (const result of results) if (result.status === "rejected") assert(isKind(result.reason, "alreadyExists"));
    assert.deepEqual(await store.listIngests(one), []);
    await fails("alreadyExists", store.openWriter(one, "third", expected));
  });

  contract("namespaces see their own blobs and ingests only", async ({ store }) => {
    await ingest(store, one, data, { labels: { mine: "yes" } });
    await using writer = await store.openWriter(one, "mine");
    await writer.write(data);
    assert.deepEqual(
      [await store.find(two, digest), await store.list(two), await store.listIngests(two)],
      [undefined, [], []],
    );
    await fails("notFound", store.open(two, digest));
  });

  contract("a blob of another namespace is shared by its digest, labels are not", async ({ store }) => {
    await ingest(store, one, data, { labels: { mine: "yes" } });
    await fails("alreadyExists", store.openWriter(two, "again", expected));
    assert.deepEqual((await store.get(two, digest)).labels, {});
    await store.delete(one, digest);
    await fails("notFound", store.get(one, digest));
    await using reader = await store.open(two, digest);
    assert.equal(digestOf(await buffer(reader.stream())), digest);
  });

  contract("a known blob with another size than expected is refused", async ({ store }) => {
    await ingest(store, one, data);
    await fails("dataLoss", store.openWriter(two, "lie", { digest, sizeBytes: 7 }));
    assert.equal(await store.find(two, digest), undefined);
  });

  contract("labels change one by one", async ({ store }) => {
    await ingest(store, one, data, { labels: { a: "1", b: "2" } });
    const info = await store.updateLabels(one, digest, { a: undefined, c: "3" });
    assert.deepEqual(info.labels, { b: "2", c: "3" });
    assert(info.updatedAtNs >= info.createdAtNs);
    assert.deepEqual(await store.get(one, digest), info);
  });

  contract("what a leased call makes or finds belongs to the lease", async ({ store, leases }) => {
    const { id } = await leases.create(one);
    const leased = { ...one, leaseId: id };
    await ingest(store, leased, data);
    const lease = await leases.create(one);
    await fails("alreadyExists", store.openWriter({ ...one, leaseId: lease.id }, "again", expected));
    const held = [{ t: "content", digest }];
    assert.deepEqual([await leases.listResources(one, id), await leases.listResources(one, lease.id)], [held, held]);
  });

  contract("refs are any text", async ({ store }) => {
    const refs = ["../../etc/passwd", "/abs", "a/b", ".", "nul\0l", "ü".repeat(3000), "a b", "..", "\n"];
    for (const ref of refs) {
      await using writer = await store.openWriter(one, ref);
      await writer.write(Buffer.from(ref));
    }
    assert.deepEqual((await store.listIngests(one)).map(({ ref }) => ref).sort(), refs.sort());
    for (const ref of refs) await store.abortIngest(one, ref);
    await fails("invalidArgument", store.openWriter(one, ""));
  });

  contract("a reader goes on when its blob is deleted, and the bytes go with the last reader", async ({ store }) => {
    await ingest(store, one, data);
    {
      await using reader = await store.open(one, digest);
      await store.delete(one, digest);
      await store.purge(one, 0);
      assert.deepEqual(await readFile(reader.path), data);
    }
    await ingest(store, one, data);
    await using reader = await store.open(one, digest);
    assert.equal(digestOf(await buffer(reader.stream())), digest);
  });

  contract("purge keeps what is named and removes idle ingests", async ({ store }) => {
    await ingest(store, one, data);
    {
      await using writer = await store.openWriter(one, "left");
      await writer.write(data);
    }
    await using busy = await store.openWriter(one, "busy");
    await busy.write(data);
    assert.deepEqual(await store.purge(one, 60_000), { removedBlobs: 0, removedBytes: 0 });
    assert.deepEqual(await store.purge(one, 0), { removedBlobs: 0, removedBytes: data.length });
    assert.deepEqual(
      (await store.listIngests(one)).map(({ ref }) => ref),
      ["busy"],
    );
    await store.get(one, digest);
  });

  contract("ingest and purge at once lose nothing", async ({ store }) => {
    const blobs = Array.from({ length: 20 }, () => randomBytes(5000));
    const done = new AbortController();
    const purging = (async () => {
      while (!done.signal.aborted) await store.purge(one, 60_000);
    })();
    await Promise.all(blobs.map(async (blob) => await ingest(store, one, blob)));
    done.abort();
    await purging;
    for (const blob of blobs) {
      await using reader = await store.open(one, digestOf(blob));
      assert.deepEqual(await buffer(reader.stream()), blob);
    }
  });

  contract("recover keeps blobs and ingests", async ({ store }) => {
    const info = await ingest(store, one, data);
    {
      await using writer = await store.openWriter(one, "left");
      await writer.write(data);
    }
    await store.recover(one);
    assert.deepEqual(await store.list(one), [info]);
    assert.equal((await store.listIngests(one))[0]?.offsetBytes, data.length);
  });
}

async function ingest(
  store: ContentStore,
  call: Call,
  data: Uint8Array,
  options: { digest?: Digest; sizeBytes?: number; labels?: Record<string, string> } = {},
) {
  await using writer = await store.openWriter(call, `ingest-${digestOf(data)}`, {});
  await writer.write(data);
  return await writer.commit(options);
}
