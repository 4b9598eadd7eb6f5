import assert from "node:assert/strict";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { isRunning, type Run } from "./runtime-world.fixture.ts";

/** What is left when the driver or the monitor goes. */
export function runtimeSurvival(run: Run): void {
  run("a running task survives its driver, and its exit is told by the next", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(["sh", "-c", "read x; echo $x; exit 6"], { logPath, stdin: "open" });
    const { pid } = task;
    const again = await world.reopen();
    const found = await again.find(world.call, task.ref);
    assert.ok(found);
    assert.equal(found.pid, pid);
    assert.equal(await found.state(world.call), "running");
    await using attached = await found.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = text(attached.stdout);
    attached.stdin?.write("hello\n");
    assert.equal(await output, "hello\n");
    assert.equal((await found.wait(world.call)).exitCode, 6);
    await found.delete(world.call);
  });

  run("an exit while nobody looked, and a task not yet started, are found as they are", async (world) => {
    const ended = await world.started(["sh", "-c", "exit 8"], { id: "a" });
    const waits = await world.create(["sh", "-c", "exit 2"], { id: "b" });
    await ended.wait(world.call);
    const again = await world.reopen();
    const found = await again.find(world.call, ended.ref);
    assert.equal(found?.exit?.exitCode, 8);
    assert.equal(found?.pid, 0);
    const other = await again.find(world.call, waits.ref);
    assert.equal(await other?.state(world.call), "created");
    await other?.start(world.call);
    assert.equal((await other?.wait(world.call))?.exitCode, 2);
    await found?.delete(world.call);
    await other?.delete(world.call);
  });

  run("a task whose monitor was killed ends, with the reason", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const { pid } = task;
    process.kill(await world.fixture.monitorPid(task), "SIGKILL");
    const exit = await task.wait(world.call);
    assert.equal(exit.exitCode, 137);
    assert.match(exit.error ?? "", /monitor/);
    await eventuallyEqual(async () => await isRunning(pid), false);
    await task.delete(world.call);
  });

  run("a monitor killed together with the process takes nothing else along", async (world) => {
    const [task, other] = [
      await world.started(["sleep", "100"], { id: "a" }),
      await world.started(["sleep", "100"], { id: "b" }),
    ];
    process.kill(await world.fixture.monitorPid(task), "SIGKILL");
    process.kill(task.pid, "SIGKILL");
    assert.equal((await task.wait(world.call)).exitCode, 137);
    assert.equal(await other.state(world.call), "running");
    await task.delete(world.call);
    await other.delete(world.call, { force: true });
  });

  run("a monitor killed while no driver was there is noticed too", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const { pid } = task;
    const again = await world.reopen(async () => {
      const monitor = await world.fixture.monitorPid(task);
      process.kill(monitor, "SIGKILL");
      await eventuallyEqual(async () => await isRunning(monitor), false);
    });
    const found = await again.find(world.call, task.ref);
    assert.equal(found?.exit?.exitCode, 137);
    await eventuallyEqual(async () => await isRunning(pid), false);
    await found?.delete(world.call);
  });
}
