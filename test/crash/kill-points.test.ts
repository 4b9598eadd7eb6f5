import assert from "node:assert/strict";
import test from "node:test";
import { eventuallyEqual, settled } from "#test/support/eventually.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed, field } from "./crash-bed.ts";
import { killPoints } from "./kill-points.ts";
import { operations } from "./operations.ts";
import { readSystemState } from "./system-state.ts";

/** A container that counts in its log all the while, to show that a crash of the daemon is nothing to it. */
const bystander = "bystander";
const counting = ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"];

test("kill -9 at every step loses nothing and leaks nothing", async (t) => {
  if (!requireRoot(t)) return;
  await using images = await openTestImages();
  await using bed = await CrashBed.create({ first: images.small, second: images.layered });
  await bed.start();
  await bed.pull(bed.image);
  await bed.call("POST", `/containers/create?name=${bystander}`, {
    Image: bed.image,
    Cmd: counting,
    // One stream without frames: its log is what it wrote.
    Tty: true,
  });
  await bed.call("POST", `/containers/${bystander}/start`);
  const pid = field(await bed.call("GET", `/containers/${bystander}/json`), "State", "Pid");
  // Once through without a crash, so that what is made once (a bridge, a table) is in the baseline.
  await undisturbed(bed);
  const baseline = await settled(() => readSystemState(bed));
  for (const point of killPoints) {
    const title = `${point.during}: ${point.when} ${point.at}${point.nth === undefined ? "" : ` (${point.nth})`}`;
    await t.test(title, async () => {
      await using undo = new AsyncDisposableStack();
      // One that fails must not fail the next ones.
      undo.defer(() => startClean(bed));
      await crash(bed, point);
      assert.equal(field(await bed.call("GET", `/containers/${bystander}/json`), "State", "Pid"), pid);
      await operations[point.during].check(bed);
      await cleanUp(bed);
      // What no one needs any more is collected behind.
      await eventuallyEqual(() => readSystemState(bed), baseline);
      await demandUnbrokenLog(bed);
      undo.move();
    });
  }
});

/** Dies at the point and comes up again. @throws Error when the point is not reached */
async function crash(bed: CrashBed, point: (typeof killPoints)[number]): Promise<void> {
  const operation = operations[point.during];
  await operation.prepare(bed);
  await bed.arm(point);
  await operation.run(bed).catch(() => {});
  await bed.died();
  await bed.start();
}

async function startClean(bed: CrashBed): Promise<void> {
  await bed.kill();
  await bed.start();
  await cleanUp(bed);
}

async function undisturbed(bed: CrashBed): Promise<void> {
  for (const operation of Object.values(operations)) {
    await operation.prepare(bed);
    await operation.run(bed).catch(() => {});
    await operation.check(bed);
    await cleanUp(bed);
  }
}

async function cleanUp(bed: CrashBed): Promise<void> {
  const containers = await bed.call("GET", "/containers/json?all=1");
  for (const container of Array.isArray(containers) ? containers : []) {
    const names: unknown = field(container, "Names");
    if (Array.isArray(names) && names.includes(`/${bystander}`)) continue;
    await bed.call("DELETE", `/containers/${String(field(container, "Id"))}?force=1&v=1`);
  }
  await bed.call("POST", "/volumes/prune");
  await bed.call("POST", `/images/prune?filters=${encodeURIComponent('{"dangling":["true"]}')}`);
}

async function demandUnbrokenLog(bed: CrashBed): Promise<void> {
  const numbers = [...(await bed.logs(bystander)).matchAll(/(\d+)\r?\n/g)].map((match) => Number(match[1]));
  assert.ok(numbers.length > 10);
  for (const [index, number] of numbers.entries())
    assert.equal(number, index, "a line of the bystander's log is missing");
}
