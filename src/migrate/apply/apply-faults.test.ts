import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openApplyBed } from "#test/support/apply-bed.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { readState } from "./migration-run.ts";

test("a disk that fills up in the middle is named, and with room again all goes on, or back", async (t) => {
  if (!requireRoot(t)) return;
  await using cache = await temporaryDirectory("apply-cache");
  let failures = 0;
  for (const leaveBytes of [0, 8 << 10, 24 << 10, 40 << 10]) {
    await using bed = await openApplyBed({ compileCache: cache.path, diskBytes: 1 << 20 });
    const original = await bed.listing();
    await bed.fill(leaveBytes);
    const failed = await bed.start("apply");
    if (failed.code !== 0) {
      failures++;
      assert.match(failed.stderr, /(journal|file|migration in|cp: .*)[^\n]*no space left on/i, `${leaveBytes} left`);
      assert.match(failed.stderr, /make room there|left as it is: apply resumes|the node is back as it was/);
    }
    await bed.makeRoom();
    await bed.run("apply");
    assert.equal(await readFile(join(bed.root, "etc/crictl.yaml"), "utf8"), "timeout: 9\n", `${leaveBytes} left`);
    await bed.fill(0);
    const back = await bed.start("rollback");
    if (back.code !== 0) assert.match(back.stderr, /no space left on/i);
    await bed.makeRoom();
    await bed.run("rollback");
    assert.deepEqual(await bed.listing(), original, `${leaveBytes} left`);
  }
  assert.ok(failures > 1, `${failures} runs met the full disk`);
});

test("purge: not before the move is proven; killed anywhere, the next one ends it; nothing goes back after it", async (t) => {
  if (!requireRoot(t)) return;
  await using cache = await temporaryDirectory("apply-cache");
  const options = { compileCache: cache.path };
  await using first = await openApplyBed(options);
  await first.run("apply", 6);
  const early = await first.start("purge");
  assert.equal(early.code, 1);
  assert.match(early.stderr, /not applied to its end, nothing is purged/);
  await first.run("apply");
  const before = (await readState(first.directory)).length;
  await first.run("purge");
  const records = (await readState(first.directory)).slice(before);
  assert.deepEqual(
    records.map(({ t: kind }) => kind),
    ["purging", "begun", "done", "purged"],
  );
  for (let killAfter = 1; killAfter <= records.length; killAfter++) {
    await using bed = await openApplyBed(options);
    await bed.run("apply");
    await bed.run("purge", killAfter);
    const back = await bed.start("rollback");
    assert.equal(back.code, 1);
    assert.match(back.stderr, /purged: there is no way back/);
    await bed.run("purge");
    await assert.rejects(access(join(bed.root, "etc/docker")), { code: "ENOENT" });
    await assert.rejects(access(join(bed.directory, "undo")), { code: "ENOENT" });
    assert.equal(await readFile(join(bed.root, "etc/crictl.yaml"), "utf8"), "timeout: 9\n");
  }
});

test("purge of a node that keeps Docker is refused, and leaves the way back", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openApplyBed();
  await bed.rewritePlan((text) => {
    const plan = JSON.parse(text) as { steps: { kind: string }[] };
    return JSON.stringify({ ...plan, steps: plan.steps.filter(({ kind }) => kind !== "purge") });
  });
  const original = await bed.listing();
  await bed.run("apply");
  const refused = await bed.start("purge");
  assert.match(refused.stderr, /Docker stays, nothing to purge/);
  await bed.run("rollback");
  assert.deepEqual(await bed.listing(), original);
});

test("purge takes what is mounted in Docker's tree out of it first, and empties one that is mounted itself", async (t) => {
  if (!requireRoot(t)) return;
  await using undo = new AsyncDisposableStack();
  await using bed = await openApplyBed();
  await using precious = await temporaryDirectory("precious");
  await bed.run("apply");
  await writeFile(join(precious.path, "kept"), "");
  const mount = (options: readonly string[], path: string) => {
    execFileSync("mount", [...options, join(bed.root, path)]);
    undo.defer(() => void spawnSync("umount", ["-l", join(bed.root, path)]));
  };
  mount(["-t", "tmpfs", "ferry-purge"], "var/lib/docker");
  for (const path of ["var/lib/docker/overlay2/1/merged", "etc/docker/nfs"]) {
    await mkdir(join(bed.root, path), { recursive: true });
    mount(["--bind", precious.path], path);
  }
  execFileSync("mount", ["--bind", join(bed.root, "etc/docker"), join(bed.root, "etc/docker")]);
  await bed.run("purge");
  assert.deepEqual(await readdir(precious.path), ["kept"]);
  assert.deepEqual(await readdir(join(bed.root, "var/lib/docker")), []);
  await assert.rejects(access(join(bed.root, "etc/docker")), { code: "ENOENT" });
  await undo.disposeAsync();
});

test("what a crash left half written goes with the next run, or on the way back", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openApplyBed();
  const original = await bed.listing();
  await bed.run("apply", 6);
  const half = async () => await bed.leaveHalf(["etc/crictl.yaml", "etc/containerd/certs.d/a/hosts.toml"]);
  await half();
  await bed.run("rollback");
  assert.deepEqual(await bed.listing(), original);
  await bed.run("apply", 6);
  await half();
  await bed.run("apply");
  assert.deepEqual(
    (await bed.contents()).filter((line) => line.includes(".ferry-new")),
    [],
  );
});
