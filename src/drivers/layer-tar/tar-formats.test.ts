import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { lstat, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import type { BlobReader } from "#core/content/content-store.ts";
import type { Compression } from "#core/content/descriptor.ts";
import { testCall } from "#test/support/call.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import { LayerWorkers } from "./layer-workers.ts";
import { archive, directory, raw } from "./raw-tar.fixture.ts";
import { TarLayerApplier } from "./tar-layer-applier.ts";

const execute = promisify(execFile);
const limits = { maxUncompressedBytes: 2 ** 40, maxEntries: 100_000 };

const formats: { title: string; options: string[]; compression: Compression }[] = [
  { title: "GNU, long names", options: ["--format=gnu"], compression: "none" },
  { title: "PAX, xattrs", options: ["--format=pax", "--xattrs", "--xattrs-include=user.*"], compression: "none" },
  { title: "old GNU sparse", options: ["--format=gnu", "--sparse"], compression: "none" },
  { title: "sparse 0.0", options: ["--format=pax", "--sparse", "--sparse-version=0.0"], compression: "none" },
  { title: "sparse 0.1", options: ["--format=pax", "--sparse", "--sparse-version=0.1"], compression: "none" },
  { title: "sparse 1.0", options: ["--format=pax", "--sparse", "--sparse-version=1.0"], compression: "none" },
  { title: "gzip", options: ["--format=pax", "--gzip"], compression: "gzip" },
  { title: "zstd", options: ["--format=pax", "--zstd"], compression: "zstd" },
  { title: "plain, though the media type says gzip", options: ["--format=pax"], compression: "gzip" },
];

for (const { title, options, compression } of formats) {
  test(`the tree that GNU tar packed: ${title}`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, "tar", "setfattr", "zstd")) return;
    await using scratch = await temporaryDirectory("formats");
    const source = await sourceTree(scratch.path, options.includes("--xattrs"), !options.includes("--format=gnu"));
    const layer = join(scratch.path, "layer");
    await execute("tar", ["-C", source, ...options, "-cf", layer, "."]);
    const tree = await apply(scratch.path, layer, compression);
    assert.deepEqual(await treeListing(tree), await treeListing(source));
    const holes = options.includes("--sparse") ? (await stat(join(tree, "holes"))).blocks : 0;
    assert.ok(holes < 600, `${holes} blocks`);
  });
}

test("overlay form: whiteouts are devices 0/0, opaque directories carry the xattr", async (t) => {
  if (!requireRoot(t)) return;
  await using scratch = await temporaryDirectory("formats");
  const layer = join(scratch.path, "layer");
  const whiteouts = [
    raw("d/.wh.f"),
    directory("e"),
    raw("e/.wh..wh..opq"),
    raw(".wh.g"),
    directory("g"),
    raw(".wh..wh.plnk"),
  ];
  await writeFile(layer, archive(...whiteouts));
  const tree = await apply(scratch.path, layer, "none");
  const hidden = await lstat(join(tree, "d/f"));
  assert.deepEqual([hidden.isCharacterDevice(), hidden.rdev], [true, 0]);
  for (const [name, opaque] of [
    ["d", false],
    ["e", true],
    ["g", true],
  ] as const) {
    const { stdout } = await execute("getfattr", ["-d", "-m", "trusted.overlay.opaque", join(tree, name)]);
    assert.equal(stdout.includes('opaque="y"'), opaque, name);
  }
  const { stdout } = await execute("find", [".", "-name", ".wh*"], { cwd: tree });
  assert.equal(stdout, "");
});

async function apply(scratch: string, path: string, compression: Compression): Promise<string> {
  const tree = join(scratch, "tree");
  await mkdir(tree);
  await using workers = new LayerWorkers();
  const target = { directory: tree, whiteouts: "overlay", parents: [] } as const;
  const blob = { path, sizeBytes: (await stat(path)).size } as BlobReader;
  await new TarLayerApplier(workers).apply(testCall(), { blob, compression }, target, limits);
  return tree;
}

async function sourceTree(scratch: string, xattrs: boolean, nanoseconds: boolean): Promise<string> {
  const source = join(scratch, "source");
  const deep = join(source, "d".repeat(120), "e".repeat(120));
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, "f".repeat(200)), "deep");
  await writeFile(join(source, "ünïcode"), "text", { mode: 0o4711 });
  const script = `
    truncate -s 30M holes; printf data | dd of=holes bs=1 seek=5000000 conv=notrunc status=none
    printf end | dd of=holes bs=1 seek=31457277 conv=notrunc status=none
    i=0; while [ $i -lt 60 ]; do printf x | dd of=holes bs=1 seek=$((i * 131072)) conv=notrunc status=none; i=$((i+1)); done
    mkfifo pipe; mknod null c 1 3; mknod disk b 259 1048575; ln -s ${"t".repeat(150)} longlink; ln ünïcode hard
    chown 3000000:4000000 pipe; chown -h 12:34 longlink; mkdir -m 1777 sticky; touch "$(printf 'bad\\377name')"
    ${xattrs ? "setfattr -n user.note -v 'two words' ünïcode" : ":"}
    find . -exec touch -h -d ${nanoseconds ? "'2001-02-03 04:05:06.123456789'" : "'2001-02-03 04:05:06'"} {} +`;
  await execute("sh", ["-c", script], { cwd: source });
  return source;
}
