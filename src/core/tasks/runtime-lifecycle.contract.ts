import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "#test/support/eventually.ts";
import { fails } from "#test/support/fails.ts";
import { testCall } from "#test/support/call.ts";
import { type Run } from "./runtime-world.fixture.ts";

/** Life: created, running, stopped; what is refused. */
export function runtimeLifecycle(run: Run): void {
  run("runs from created over running to stopped, with its exit code, and leaves nothing", async (world) => {
    const task = await world.create(["sh", "-c", "while [ ! -e /end ]; do sleep 0.02; done; exit 7"]);
    assert.equal(await task.state(world.call), "created");
    assert.ok(task.pid > 1);
    await task.start(world.call);
    assert.equal(await task.state(world.call), "running");
    const beforeMs = Date.now();
    await writeFile(join(world.root, "end"), "");
    const exit = await task.wait(world.call);
    assert.deepEqual({ ...exit, exitedAtNs: 0n }, { exitCode: 7, exitedAtNs: 0n, oomKilled: false });
    // A monitor may tell whole seconds.
    const exitedAtMs = Number(exit.exitedAtNs / 1_000_000n);
    assert.ok(beforeMs - 1000 <= exitedAtMs && exitedAtMs <= Date.now() + 1000, `${beforeMs} ${exitedAtMs}`);
    assert.equal(await task.state(world.call), "stopped");
    assert.equal(task.pid, 0);
    assert.deepEqual(await world.runtime.list(), [task.ref]);
    await task.delete(world.call);
    await task.delete(world.call);
    assert.deepEqual(await world.runtime.list(), []);
    assert.equal(await world.runtime.find(world.call, task.ref), undefined);
  });

  run("tells a missing command from one that cannot be executed, and leaves nothing of either", async (world) => {
    await writeFile(join(world.root, "bin", "plain"), "text");
    const start = async (command: string) => {
      const task = await world.create([command]);
      await task.start(world.call);
    };
    await fails("notFound", start("nope"), /exec: "nope": executable file not found in \$PATH/);
    await fails("notFound", start("/bin/nope"), /exec: "\/bin\/nope": .*no such file or directory/);
    await fails("permissionDenied", start("/bin/plain"), /exec: "\/bin\/plain": permission denied/);
    await fails("notFound", world.create(["nope"], { tty: true }), /executable file not found/);
    assert.deepEqual(await world.runtime.list(), []);
  });

  run("refuses a second task of the same name, an unknown handler, and a start after the end", async (world) => {
    const task = await world.started(["sleep", "100"]);
    await fails("alreadyExists", world.runtime.create(world.call, world.spec(["true"])));
    await fails(
      "invalidArgument",
      world.runtime.create(world.call, { ...world.spec(["true"], "x"), runtimeHandler: "?" }),
    );
    await fails("failedPrecondition", task.start(world.call));
    await fails("failedPrecondition", task.delete(world.call));
    await task.delete(world.call, { force: true });
  });

  run("signals by name and number; one that kills gives 128 and the signal", async (world) => {
    const task = await world.started(["sh", "-c", "trap 'exit 42' USR1; : >/ready; while :; do sleep 0.05; done"]);
    await fails("invalidArgument", task.kill(world.call, "SIGNOPE"));
    await eventually("its trap is set", () => existsSync(join(world.root, "ready")));
    await task.kill(world.call, "SIGUSR1");
    assert.equal((await task.wait(world.call)).exitCode, 42);
    await fails("notFound", task.kill(world.call, "SIGTERM"));
    await task.delete(world.call);
    const other = await world.started(["sleep", "100"]);
    await other.kill(world.call, "9");
    assert.equal((await other.wait(world.call)).exitCode, 137);
    await other.delete(world.call);
  });

  run("keeps tasks of the same id apart by namespace", async (world) => {
    const [one, two] = [testCall({ namespace: "one" }), testCall({ namespace: "two" })];
    const spec = world.spec(["sleep", "100"]);
    const first = await world.runtime.create(one, {
      ...spec,
      namespace: one.namespace,
      spec: world.oci(["sleep", "100"], "one"),
    });
    const second = await world.runtime.create(two, {
      ...spec,
      namespace: two.namespace,
      spec: world.oci(["sh", "-c", "exit 3"], "two"),
    });
    await first.start(one);
    await second.start(two);
    assert.equal((await second.wait(two)).exitCode, 3);
    assert.equal(await first.state(one), "running");
    await second.delete(two);
    await first.delete(one, { force: true });
  });

  run("aborting a wait leaves the task alone; a deleted task that was never started is gone", async (world) => {
    const task = await world.create(["sleep", "100"]);
    await assert.rejects(task.wait(testCall({ signal: AbortSignal.timeout(20) })), { name: "TimeoutError" });
    assert.equal(await task.state(world.call), "created");
    await task.delete(world.call, { force: true });
  });
}
