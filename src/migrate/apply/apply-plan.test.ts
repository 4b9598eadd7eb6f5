import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openApplyBed } from "#test/support/apply-bed.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import type { Step } from "../plan/step.ts";
import { readState } from "./migration-run.ts";

test("a plan killed after any record is finished by the next apply, and taken back to the byte", async (t) => {
  if (!requireRoot(t)) return;
  await using cache = await temporaryDirectory("apply-cache");
  const options = { compileCache: cache.path };
  await using bed = await openApplyBed(options);
  const original = await bed.listing();
  await bed.run("apply");
  const applied = await bed.contents();
  const records = (await readState(bed.directory)).length;
  await bed.run("rollback");
  assert.deepEqual(await bed.listing(), original);
  assert.notDeepEqual(await bed.contents(), applied);

  const points = Array.from({ length: records }, (_, at) => at + 1);
  const judge = async (at: number) => {
    await using killed = await openApplyBed(options);
    await killed.run("apply", at);
    await killed.keep();
    await killed.run("apply");
    assert.deepEqual(await killed.contents(), applied, `killed after record ${at}`);
    await killed.takeKept();
    await killed.run("rollback", 1 + (at % 4));
    await killed.run("rollback");
    assert.deepEqual(await killed.listing(), original, `killed after record ${at} and on the way back`);
  };
  await Promise.all(
    [0, 1, 2].map(async (lane) => {
      for (const at of points.filter((point) => point % 3 === lane)) await judge(at);
    }),
  );
});

test("a file that changed since the plan was made stops apply before anything is touched", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openApplyBed();
  await writeFile(join(bed.root, "etc/crictl.yaml"), "timeout: 3\n");
  const before = await bed.listing();
  const { code, stderr } = await bed.start("apply");
  assert.equal(code, 1);
  assert.match(stderr, /\/etc\/crictl.yaml has come since the plan was made/);
  assert.deepEqual(await bed.listing(), before);
  // Whoever is refused makes another plan, and need not take anything back first.
  await rm(join(bed.root, "etc/crictl.yaml"));
  await bed.rewritePlan((text) => text.replace("2026-01-01", "2026-01-02"));
  await bed.run("apply");
});

test("a step that fails takes everything back", async (t) => {
  if (!requireRoot(t)) return;
  const impossible: Step = {
    id: "90-refuse",
    title: "Refuse",
    why: "to fail",
    kind: "preflight",
    require: [{ t: "command", name: "no-such-command-anywhere" }],
  };
  await using bed = await openApplyBed({ more: [impossible] });
  const before = await bed.listing();
  const { code, stderr } = await bed.start("apply");
  assert.equal(code, 1);
  assert.match(stderr, /step 90-refuse: node: needs the command no-such-command-anywhere\nthe node is back as it was/);
  assert.deepEqual(await bed.listing(), before);
});

test("the journal of the undisturbed run names each step twice", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openApplyBed();
  await bed.run("apply");
  const words = (await readState(bed.directory)).map((record) =>
    "step" in record ? `${record.t} ${record.step}` : record.t,
  );
  assert.deepEqual(words.slice(0, 3), ["opened", "begun 01-preflight", "done 01-preflight"]);
  assert.deepEqual(words.slice(-2), ["done 05-sweep", "applied"]);
  assert.equal(await readFile(join(bed.root, "etc/real/kubelet"), "utf8"), "KUBELET_EXTRA_ARGS=--x\n");
});
