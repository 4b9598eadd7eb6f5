import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import test, { type TestContext } from "node:test";
import { containerRoot } from "#test/support/container-root.ts";
import { catSays, openDockerSource, type DockerSource } from "#test/support/docker-source.ts";
import { FerryBed } from "#test/support/ferry-bed.ts";
import { makeLargeDockerImages } from "#test/support/large-docker-images.ts";
import {
  assertCarried,
  assertForecast,
  assertProofs,
  diskUse,
  migrate,
  ofTheImage,
  type Migration,
} from "#test/support/migrate-images.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { toContainerd } from "./migrate-to-containerd.ts";

test("images of a stopped Docker", async (t) => {
  const isLong = process.env["FERRY_TEST_LONG"] !== undefined;
  if (isLong && !requireBinary(t, "skopeo", "debootstrap")) return;
  await using source = await openDockerSource(t, isLong ? makeLargeDockerImages : undefined);
  if (source === undefined) return;
  await t.test("to an OCI layout", async (t) => await toLayout(t, source));
  await t.test("to Ferry", async (t) => await toFerry(t, source));
  await t.test("to containerd", async (t) => await toContainerd(t, source));
  await t.test("a damaged image is left out, the rest goes on", async () => await withDamage(source));
});

/** What {@link catSays} prints in a bundle as umoci made it. */
async function runBundle(bundle: string): Promise<string> {
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as { process: object };
  // Docker's own set has it, and so must a process that runs a file with this capability.
  const capabilities = { bounding: ["CAP_NET_RAW"], permitted: ["CAP_NET_RAW"], effective: ["CAP_NET_RAW"] };
  const settings = { ...config.process, args: catSays, terminal: false, capabilities };
  await writeFile(path, JSON.stringify({ ...config, process: settings }));
  return (await command(["crun", "--cgroup-manager=disabled", "run", "--bundle", bundle, basename(bundle)])).trim();
}

async function toLayout(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, "umoci", "crun")) return;
  const layout = join(source.directory, "layout");
  const first = await migrate(source, `oci:${layout}`);
  assertCarried(first, source.images);
  assertForecast(first, await diskUse(layout));
  for (const { name, tree, says } of source.images) {
    const bundle = await mkdtemp(join(source.directory, "bundle-"));
    await rm(bundle, { recursive: true });
    await command(["umoci", "unpack", "--image", `${layout}:${name}`, bundle]);
    const unpacked = await treeListing(join(bundle, "rootfs"));
    assert.deepEqual(ofTheImage(unpacked), ofTheImage(tree), name);
    // Docker's export leaves it out; the layer has it.
    if (name.includes("base")) assert.ok(unpacked.includes('# file: ./etc/says\nuser.ferry="kept"'));
    assert.equal(await runBundle(bundle), says);
  }
  const before = await readdir(join(layout, "blobs/sha256"));
  assertCarried(await migrate(source, `oci:${layout}`), source.images);
  assert.deepEqual(await readdir(join(layout, "blobs/sha256")), before, "a second run finds everything there");
}

async function toFerry(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, "conmon")) return;
  await using ferry = await FerryBed.open();
  const before = await diskUse(source.root, ferry.root);
  const host = ["--host", `unix://${ferry.socket}`];
  const first = await migrate(source, "ferry", "--volumes", ...host);
  assertCarried(first, source.images);
  const after = await diskUse(source.root, ferry.root);
  await assertOthers(first, ferry);
  assertForecast(first, { bytes: after.bytes - before.bytes, inodes: after.inodes - before.inodes });
  for (const { name, id, says, tree } of source.images) {
    const pods = ["-n", "k8s.io"];
    assert.equal(await ferry.run(...pods, "image", "inspect", "-f", "{{.Id}}", name), id);
    assert.equal(await ferry.run(...pods, "run", "--rm", "--network", "none", name, ...catSays), says);
    const look = ["run", "-d", "--name", "look", "--network", "none", name, "/bin/sleep", "100"];
    await ferry.run(...pods, ...look);
    assert.deepEqual(
      ofTheImage(await treeListing(await containerRoot(ferry, "look", "k8s.io"))),
      ofTheImage(tree),
      name,
    );
    await ferry.run(...pods, "rm", "-f", "look");
  }
  const again = await migrate(source, "ferry", "--volumes", ...host);
  assertCarried(again, source.images);
  assert.deepEqual(
    again.answer?.volumes.map(({ how }) => how),
    ["kept"],
  );
}

async function assertOthers({ answer }: Migration, ferry: FerryBed): Promise<void> {
  const volumes = answer?.volumes.map(({ name, uid, usedBy, how }) => ({ name, uid, usedBy, how }));
  assert.deepEqual(volumes, [{ name: "data", uid: 56, usedBy: ["standalone"], how: "carried" }]);
  const containers = answer?.containers.map(({ name, restartPolicy, volumes: mounted }) => [
    name,
    restartPolicy,
    mounted,
  ]);
  assert.deepEqual(containers, [["standalone", "always", ["data"]]]);
  const directory = await ferry.run("volume", "inspect", "-f", "{{.Mountpoint}}", "data");
  const facts = await command(["stat", "-c", "%a %u:%g", directory, join(directory, "file")]);
  assert.equal(facts, "750 56:78\n644 12:34\n");
  assert.equal(await readFile(join(directory, "file"), "utf8"), "kept\n");
}

async function withDamage(source: DockerSource): Promise<void> {
  const [victim] = (await command(["find", join(source.root, "overlay2"), "-name", "fresh"])).trim().split("\n");
  assert.ok(victim);
  await truncate(victim, 1);
  const { code, answer } = await migrate(source, `oci:${join(source.directory, "damaged")}`);
  assert.equal(code, 3);
  assert.deepEqual(
    answer?.leftOut.map(({ problem }) => /usr\/share\/fresh": 1 bytes, its layer says 6/.test(problem)),
    [true],
  );
  assertProofs(
    answer,
    source.images.filter(({ name }) => !name.includes("emptied")),
  );
}
