import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { containerdBinary, ctrBinary } from "#test/support/containerd.ts";
import { openContainerdBed } from "#test/support/containerd-bed.ts";
import { openDockerSource, type DockerSource } from "#test/support/docker-source.ts";
import { FerryBed } from "#test/support/ferry-bed.ts";
import { killAtPoints } from "#test/support/kill-at-points.ts";
import { assertCarried, migrate, migrateCommand } from "#test/support/migrate-images.ts";
import { timeCommand } from "#test/support/processes.ts";
import { requireBinary } from "#test/support/require.ts";

test("killed at any point, a run that goes on gives what an undisturbed one gives", async (t) => {
  await using source = await openDockerSource(t);
  if (source === undefined) return;
  await t.test("an OCI layout", async () => await intoLayout(source));
  await t.test("Ferry", async (t) => await intoFerry(t, source, { killsDaemon: false }));
  await t.test("Ferry, its daemon killed", async (t) => await intoFerry(t, source, { killsDaemon: true }));
  await t.test("containerd", async (t) => await intoContainerd(t, source));
});

async function intoLayout(source: DockerSource): Promise<void> {
  const layout = (name: string) => join(source.directory, `layout-${name}`);
  const wholeMs = await timeCommand(migrateCommand(source, `oci:${layout("whole")}`));
  const expected = await layoutState(layout("whole"));
  await killAtPoints({
    wholeMs,
    commandOn: (target) => migrateCommand(source, `oci:${layout(target)}`),
    async check(target) {
      assertCarried(await migrate(source, `oci:${layout(target)}`), source.images);
      assert.deepEqual(await layoutState(layout(target)), expected, `point ${target}`);
    },
  });
}

async function layoutState(layout: string) {
  const blobs = await readdir(join(layout, "blobs/sha256"));
  return {
    files: (await readdir(layout)).sort(),
    blobs: blobs.sort(),
    index: await readFile(join(layout, "index.json"), "utf8"),
  };
}

/** Each point has a namespace of its own, so that trees are made anew. */
async function intoFerry(t: TestContext, source: DockerSource, { killsDaemon }: { killsDaemon: boolean }) {
  if (!requireBinary(t, "conmon")) return;
  await using ferry = await FerryBed.open();
  const to = (name: string) => ["ferry", "--host", `unix://${ferry.socket}`, "--namespace", `kill-${name}`] as const;
  const state = async (name: string) => {
    const images = await ferry.run("-n", `kill-${name}`, "images", "--no-trunc", "--format", "{{.Repository}} {{.ID}}");
    return images.split("\n").toSorted();
  };
  await timeCommand(migrateCommand(source, ...to("first")));
  // The daemon has its threads now, as at the points that follow.
  const wholeMs = await timeCommand(migrateCommand(source, ...to("whole")));
  const expected = await state("whole");
  assert.equal(expected.length, source.images.length);
  const runs = await killAtPoints({
    wholeMs,
    commandOn: (target) => migrateCommand(source, ...to(target)),
    async check(target) {
      if (ferry.pid === 0) await ferry.start();
      assertCarried(await migrate(source, ...to(target)), source.images);
      assert.deepEqual(await state(target), expected, `point ${target}`);
    },
    ...(killsDaemon ? { kill: async () => await ferry.kill() } : {}),
  });
  const trees = await readdir(join(ferry.root, "snapshots/overlayfs"));
  const layers = new Set(
    source.images.flatMap(({ diffIds }) => diffIds.map((_, at) => diffIds.slice(0, at + 1).join(" "))),
  );
  assert.equal(trees.length, layers.size * (runs + 2), "no tree is left over");
}

async function intoContainerd(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, containerdBinary, ctrBinary)) return;
  await using containerd = await openContainerdBed({ sandboxImage: "ferry.test/pause:1" });
  const to = (name: string) => [`containerd:${containerd.socket}`, "--namespace", `kill-${name}`] as const;
  const state = async (name: string) => {
    const ctr = async (...words: string[]) => {
      const lines = await containerd.ctr("-n", `kill-${name}`, ...words);
      return lines.split("\n").toSorted();
    };
    const snapshots = (await ctr("snapshots", "ls")).map((line) => line.split(/\s+/).slice(0, 3).join(" "));
    return { images: await ctr("images", "ls", "-q"), snapshots, leases: await ctr("leases", "ls", "-q") };
  };
  await timeCommand(migrateCommand(source, ...to("first")));
  // Blobs are shared now, as at the points that follow.
  const wholeMs = await timeCommand(migrateCommand(source, ...to("whole")));
  const expected = await state("whole");
  assert.deepEqual(expected.leases, [""]);
  await killAtPoints({
    wholeMs,
    commandOn: (target) => migrateCommand(source, ...to(target)),
    async check(target) {
      assertCarried(await migrate(source, ...to(target)), source.images);
      assert.deepEqual(await state(target), expected, `point ${target}`);
    },
  });
}
