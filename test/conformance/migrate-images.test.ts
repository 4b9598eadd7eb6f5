import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { openDockerSource, type DockerSource, type SourceImage } from "#test/support/docker-source.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";

const execute = promisify(execFile);

type Answer = {
  readonly images: { id: string; names: string[]; layers: { diffId: string; how: string }[] }[];
  readonly leftOut: { id: string; problem: string }[];
};

type Ended = { readonly exitCode: number; readonly stderr: string; readonly answer: Answer | undefined };

async function migrate(source: DockerSource, to: string, ...more: string[]): Promise<Ended> {
  const journal = join(source.directory, `journal-${to.replaceAll(/\W/g, "")}`);
  const args = [
    "migrate",
    "images",
    "--from",
    source.root,
    "--to",
    to,
    "--journal",
    journal,
    "--format",
    "json",
    ...more,
  ];
  const ended = await execute("bin/ferry", args).then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, exitCode: error.code }),
  );
  const answer = ended.stdout === "" ? undefined : (JSON.parse(ended.stdout) as Answer);
  return { exitCode: ended.exitCode, stderr: ended.stderr, answer };
}

/** Everything a proof says, against what Docker said before it was stopped. */
function assertCarried(answer: Answer | undefined, images: readonly SourceImage[]): void {
  const facts = (answer?.images ?? []).map(({ id, names: [name], layers }) => {
    return { name, id, diffIds: layers.map(({ diffId }) => diffId) };
  });
  const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
  const expected = images.map(({ name, id, diffIds }) => ({ name, id, diffIds }));
  assert.deepEqual(facts.toSorted(byId), expected.toSorted(byId));
}

/**
 * What Docker's export of a container can tell of the image: whole seconds, no xattrs but capabilities; not the files
 * that Docker puts into a container, nor the root and the directories that have them.
 */
function ofTheImage(listing: readonly string[]): string[] {
  const ofDocker = /\.\/(?:\.dockerenv|etc\/(?:hosts|hostname|resolv\.conf|mtab)|dev\/(?:console|pts|shm))\b/;
  return listing
    .filter((line) => !/^\.\|d\||^\.\/(?:etc|dev)\|d\|/.test(line) && !ofDocker.test(line))
    .map((line) => line.replace(/\.\d{10}(\||$)/, "$1").replaceAll(/\nuser\..*/g, ""))
    .filter((line) => !/^# file: .*$/.test(line) || line.includes("\n"));
}

test("images of a stopped Docker as an OCI layout", async (t) => {
  if (!requireBinary(t, "umoci", "skopeo")) return;
  await using source = await openDockerSource(t);
  if (source === undefined) return;
  const layout = join(source.directory, "layout");
  const { exitCode, answer } = await migrate(source, `oci:${layout}`);
  assert.equal(exitCode, 0);
  assertCarried(answer, source.images);
  await t.test("umoci unpacks the trees that Docker exported", async () => {
    for (const { name, tree } of source.images) {
      const bundle = await mkdtemp(join(source.directory, "bundle-"));
      await rm(bundle, { recursive: true });
      await command(["umoci", "unpack", "--image", `${layout}:${name}`, bundle]);
      const unpacked = await treeListing(join(bundle, "rootfs"));
      assert.deepEqual(ofTheImage(unpacked), ofTheImage(tree), name);
      // Docker's export leaves it out; the layer has it.
      assert.equal(unpacked.includes('# file: ./etc/says\nuser.ferry="kept"'), name.includes("base"), name);
    }
  });
  await t.test("a second run finds everything there", async () => {
    const before = await readdir(join(layout, "blobs/sha256"));
    const again = await migrate(source, `oci:${layout}`);
    assert.equal(again.exitCode, 0);
    assertCarried(again.answer, source.images);
    assert.deepEqual(await readdir(join(layout, "blobs/sha256")), before);
  });
  await t.test("a damaged image is left out, the rest goes on", async () => {
    const [victim] = (await command(["find", join(source.root, "overlay2"), "-name", "fresh"])).trim().split("\n");
    assert.ok(victim);
    await truncate(victim, 1);
    const damaged = await migrate(source, `oci:${layout}-2`);
    assert.equal(damaged.exitCode, 3);
    assert.deepEqual(
      damaged.answer?.leftOut.map(({ problem }) => /usr\/share\/fresh": 1 bytes, its layer says 6/.test(problem)),
      [true],
    );
    assertCarried(
      damaged.answer,
      source.images.filter(({ name }) => !name.includes("emptied")),
    );
  });
});
