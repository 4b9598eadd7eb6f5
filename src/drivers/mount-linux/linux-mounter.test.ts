import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { isKind } from "#base/errors.ts";
import { silentLogger } from "#base/logger.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import { LinuxMounter } from "./linux-mounter.ts";

const call: Call = { signal: new AbortController().signal, log: silentLogger, namespace: parseNamespace("default") };
const mounter = new LinuxMounter();
const skip = process.getuid?.() === 0 ? false : "needs root";

test("mounts in order, lists octal names, takes all away", { skip }, async (t) => {
  const root = await scratch(t);
  const target = join(root, "a b\tc");
  await mkdir(target);
  await mounter.mount(
    call,
    [
      { type: "tmpfs", source: "one", options: ["size=64k", "nosuid", "ro"] },
      { type: "tmpfs", source: "two", options: [] },
    ],
    target,
  );
  await mounter.mount(call, [{ type: "tmpfs", source: "below", options: [] }], await made(join(target, "sub")));
  assert.deepEqual(await mounter.list(root), [join(target, "sub"), target, target]);
  await mounter.unmount(call, join(target, "sub"));
  await mounter.unmount(call, target);
  await mounter.unmount(call, target);
  assert.deepEqual(await mounter.list(root), []);
});

test("a bind mount keeps its flags", { skip }, async (t) => {
  const root = await scratch(t);
  const [source, target] = [await made(join(root, "s")), await made(join(root, "t"))];
  await mounter.mount(call, [{ type: "bind", source, options: ["rbind", "ro", "nodev", "rprivate"] }], target);
  await assert.rejects(writeFile(join(target, "x"), ""), { code: "EROFS" });
  await writeFile(join(source, "y"), "seen");
  assert.equal(await readFile(join(target, "y"), "utf8"), "seen");
  await mounter.unmount(call, target);
});

test("what fails leaves none of its mounts", { skip }, async (t) => {
  const root = await scratch(t);
  const mounts = [
    { type: "tmpfs", source: "x", options: [] },
    { type: "no-such-fs", source: "x", options: [] },
  ];
  await assert.rejects(mounter.mount(call, mounts, root), (error: unknown) => isKind(error, "invalidArgument"));
  assert.deepEqual(await mounter.list(root), []);
});

for (const [name, extra] of [
  ["short", 3],
  ["longer than a page", 120],
] as const) {
  test(`an overlay with ${name} options`, { skip }, async (t) => {
    const root = await scratch(t);
    const lowers: string[] = [];
    for (let i = 0; i < extra; i++) {
      const lower = await made(join(root, `a-layer-with-quite-a-long-name-${i}`));
      await writeFile(join(lower, `f${i}`), `${i}`);
      lowers.push(lower);
    }
    const [upper, work, target] = [
      await made(join(root, "u")),
      await made(join(root, "w")),
      await made(join(root, "t")),
    ];
    const options = [`lowerdir=${lowers.join(":")}`, `upperdir=${upper}`, `workdir=${work}`, "index=off"];
    await mounter.mount(call, [{ type: "overlay", source: "overlay", options }], target);
    assert.equal(await readFile(join(target, `f${extra - 1}`), "utf8"), `${extra - 1}`);
    await writeFile(join(target, "f0"), "changed");
    assert.equal(await readFile(join(upper, "f0"), "utf8"), "changed");
    await mounter.unmount(call, target);
  });
}

async function made(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

/** A directory of the test's own; at the end nothing is mounted below it and it is gone. */
async function scratch(t: TestContext): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "ferry-mounter-")));
  t.after(async () => {
    const left = await mounter.list(root);
    for (const point of left) await mounter.unmount(call, point);
    await rm(root, { recursive: true });
    assert.deepEqual(left, []);
  });
  return root;
}
