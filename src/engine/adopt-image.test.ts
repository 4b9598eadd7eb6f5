import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readdir, readFile, rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { splitTar } from "#base/tar-split/tar-split.fixture.ts";
import { readTar } from "#base/tar/read-tar.ts";
import { chainIdsOf, digestOf, type DiffId } from "#core/content/digest.ts";
import type { SnapshotKey, SnapshotName } from "#core/snapshots/snapshotter.ts";
import { testCall } from "#test/support/call.ts";
import { openImageBed, type ImageBed } from "#test/support/image-engine.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { adoptImage, type AdoptedLayer } from "./adopt-image.ts";
import { saveImages } from "./save-images.ts";
import { unpackImage } from "./unpack-image.ts";

const call = testCall();

type Layer = AdoptedLayer & { readonly diffId: DiffId };

/** A tree as another engine has it, and its recipe. */
async function layerOf(bed: ImageBed, name: string, fill: (tree: string) => Promise<void>): Promise<Layer> {
  const filesDirectory = join(bed.root, name);
  await mkdir(filesDirectory);
  await fill(filesDirectory);
  const tarPath = `${filesDirectory}.tar`;
  const options = ["--format=pax", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name"];
  await command(["tar", "-C", filesDirectory, ...options, "-cf", tarPath, "."]);
  const tar = await readFile(tarPath);
  const recipePath = `${filesDirectory}.json.gz`;
  await writeFile(recipePath, splitTar(tar));
  return { recipePath, filesDirectory, archiveBytes: tar.length, diffId: digestOf(tar) as string as DiffId };
}

async function twoLayers(bed: ImageBed): Promise<Layer[]> {
  const lower = await layerOf(bed, "lower", async (tree) => {
    for (const path of ["etc", "usr/bin", "usr/old"]) await mkdir(join(tree, path), { recursive: true });
    await writeFile(join(tree, "usr/bin/tool"), Buffer.alloc(1_500_000, "tool"));
    await chmod(join(tree, "usr/bin/tool"), 0o4755);
    await writeFile(join(tree, "usr/bin/labelled"), "labelled");
    await command(["setfattr", "-n", "user.ferry", "-v", "kept", join(tree, "usr/bin/labelled")]);
    await writeFile(join(tree, "etc/crontab"), "* * * * * root true\n");
    await writeFile(join(tree, "usr/old/file"), "old");
  });
  const upper = await layerOf(bed, "upper", async (tree) => {
    await mkdir(join(tree, "usr"));
    await writeFile(join(tree, "usr/.wh.old"), "");
    await writeFile(join(tree, "usr/new"), "new");
  });
  // Whiteouts are in the archive only, as in a tree that a driver made of it.
  await rename(join(upper.filesDirectory, "usr/.wh.old"), join(bed.root, "whiteout"));
  return [lower, upper];
}

function configOf(layers: readonly Layer[]): Buffer {
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
  return Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: { Cmd: ["sh"] }, rootfs }));
}

async function treeOf({ engine }: ImageBed, name: string): Promise<string> {
  const snapshotter = engine.snapshotters.get("overlayfs");
  assert.ok(snapshotter);
  const key = `look ${name}` as SnapshotKey;
  await snapshotter.view(call, key, name as SnapshotName);
  const [tree] = (await snapshotter.layerTarget(call, key)).parents;
  await snapshotter.remove(call, key);
  assert.ok(tree);
  return tree;
}

test("an image is adopted with its ID, its names and files that take no disk", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "tar", "setfattr")) return;
  await using bed = await openImageBed();
  const layers = await twoLayers(bed);
  const configBytes = configOf(layers);
  const alias = `registry.test/app@${digestOf("another manifest")}`;
  const adopted = await adoptImage(call, bed.engine, { configBytes, layers, names: ["registry.test/app:1", alias] });
  assert.equal(adopted.imageId, digestOf(configBytes));
  assert.deepEqual(
    adopted.layers,
    layers.map(({ diffId }) => ({ diffId, how: "carried" })),
  );
  const names = (await bed.engine.images.list(call)).map(({ name }) => name);
  assert.deepEqual(names.toSorted(), ["registry.test/app:1", alias]);
  const [bottom = "", top = ""] = chainIdsOf(layers.map(({ diffId }) => diffId));
  const [lower, upper] = [await treeOf(bed, bottom), await treeOf(bed, top)];
  const source = layers[0]?.filesDirectory ?? "";
  const inode = async (path: string) => (await lstat(path)).ino;
  for (const path of ["usr/bin/tool", "usr/bin/labelled"]) {
    assert.equal(await inode(join(lower, path)), await inode(join(source, path)), path);
  }
  // cron refuses a table that has another name.
  assert.notEqual(await inode(join(lower, "etc/crontab")), await inode(join(source, "etc/crontab")));
  assert.equal((await lstat(join(lower, "etc/crontab"))).nlink, 1);
  assert.ok((await lstat(join(upper, "usr/old"))).isCharacterDevice());
  assert.equal(await bed.collect(), 4, "config, manifest, two recipes; no layer");
  await t.test("again, it is there", async () => {
    const again = await adoptImage(call, bed.engine, { configBytes, layers, names: ["registry.test/app:1"] });
    assert.deepEqual(
      again.layers.map(({ how }) => how),
      ["present", "present"],
    );
    assert.equal(again.target.digest, adopted.target.digest);
  });
  await t.test("its layers are made for whoever needs them, without the trees it came from", async () => {
    for (const { filesDirectory, recipePath } of layers) await command(["rm", "-r", filesDirectory, recipePath]);
    const archive = await saveImages(call, bed.engine, { references: ["registry.test/app:1"] });
    const blobs: string[] = [];
    for await (const { entry, body } of readTar(archive)) {
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk);
      if (entry.name.startsWith("blobs/sha256/") && entry.type === "file") {
        assert.equal(`blobs/sha256/${digestOf(Buffer.concat(chunks)).slice(7)}`, entry.name);
        blobs.push(`sha256:${entry.name.slice(13)}`);
      }
    }
    assert.ok(layers.every(({ diffId }) => blobs.includes(diffId)));
    assert.equal(await bed.collect(), 4);
  });
  await unpackImage(call, bed.engine, { manifest: adopted.target });
});

test("files are shared with a tree that is mounted on itself", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "tar", "setfattr", "mount")) return;
  await using bed = await openImageBed();
  const [layer] = await twoLayers(bed);
  assert.ok(layer);
  const path = "usr/bin/tool";
  const { ino } = await lstat(join(layer.filesDirectory, path));
  await command(["mount", "--bind", layer.filesDirectory, layer.filesDirectory]);
  try {
    await adoptImage(call, bed.engine, { configBytes: configOf([layer]), layers: [layer], names: ["x:1"] });
    assert.equal((await lstat(join(await treeOf(bed, layer.diffId), path))).ino, ino);
    assert.deepEqual(await bed.engine.mounter.list(join(bed.root, "state")), []);
    assert.deepEqual(await readdir(join(bed.root, "state/unpack")), []);
  } finally {
    await command(["umount", layer.filesDirectory]);
  }
});

test("what differs from the archive is written anew", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "tar", "setfattr")) return;
  await using bed = await openImageBed();
  const [layer] = await twoLayers(bed);
  assert.ok(layer);
  const at = (path: string) => join(layer.filesDirectory, path);
  await chmod(at("usr/bin/tool"), 0o755);
  await command(["setfattr", "-n", "user.ferry", "-v", "else", at("usr/bin/labelled")]);
  await adoptImage(call, bed.engine, { configBytes: configOf([layer]), layers: [layer], names: ["x:1"] });
  const tree = await treeOf(bed, layer.diffId);
  assert.equal((await lstat(join(tree, "usr/bin/tool"))).mode & 0o7777, 0o4755);
  const xattr = await command(["getfattr", "-n", "user.ferry", "--only-values", join(tree, "usr/bin/labelled")]);
  assert.equal(xattr, "kept");
  assert.equal((await lstat(join(tree, "usr/bin/tool"))).nlink, 1);
});

test("a layer that is not what its DiffID says leaves nothing", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "tar", "setfattr")) return;
  await using bed = await openImageBed();
  const layers = await twoLayers(bed);
  const [lower] = layers;
  assert.ok(lower);
  const adopt = async (more: Partial<Parameters<typeof adoptImage>[2]> = {}) => {
    return await adoptImage(call, bed.engine, { configBytes: configOf(layers), layers, names: ["x:1"], ...more });
  };
  const tool = join(lower.filesDirectory, "usr/bin/tool");
  await writeFile(tool, Buffer.alloc(1_500_000, "took"));
  await assert.rejects(adopt(), { kind: "dataLoss", message: /DiffID is/ });
  await truncate(tool, 3);
  await assert.rejects(adopt(), { kind: "dataLoss", message: /tool.*3 bytes/ });
  await command(["rm", tool]);
  await symlink("/etc/passwd", tool);
  await assert.rejects(adopt(), { kind: "dataLoss", message: /no regular file/ });
  await assert.rejects(adopt({ layers: [{ ...lower, archiveBytes: 1 }] }), { kind: "invalidArgument" });
  await assert.rejects(adopt({ layers: [lower] }), { kind: "invalidArgument", message: /1 layers/ });
  assert.deepEqual(await bed.engine.images.list(call), []);
  await bed.engine.snapshotters.get("overlayfs")?.purge(call);
  await bed.engine.graph.collect(call);
  await bed.engine.snapshotters.get("overlayfs")?.purge(call);
  assert.deepEqual(await readdir(join(bed.root, "overlayfs")).catch(() => []), []);
});
