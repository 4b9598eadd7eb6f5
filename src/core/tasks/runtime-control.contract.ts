import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, eventuallyEqual } from "#test/support/eventually.ts";
import { fails } from "#test/support/fails.ts";
import { type Run } from "./runtime-world.fixture.ts";

/** Pause, limits, figures, the log opened anew. */
export function runtimeControl(run: Run): void {
  run("pauses and resumes; a paused task can be killed", async (world) => {
    const task = await world.started(["sleep", "100"]);
    await task.pause(world.call);
    assert.equal(await task.state(world.call), "paused");
    await task.resume(world.call);
    assert.equal(await task.state(world.call), "running");
    await task.pause(world.call);
    await task.kill(world.call, "SIGKILL");
    assert.equal((await task.wait(world.call)).exitCode, 137);
    await task.delete(world.call);
  });

  run("lists processes, tells what they use, and changes limits", async (world) => {
    const task = await world.started(["sh", "-c", "sleep 100 & sleep 100 & wait"]);
    const count = async () => (await task.pids(world.call)).length;
    await eventuallyEqual(count, 3);
    assert.ok((await task.pids(world.call)).includes(task.pid));
    await task.update(world.call, { memory: { limit: 67_108_864, swap: 67_108_864 }, pids: { limit: 50 } });
    const stats = await task.stats(world.call);
    assert.equal(stats.memory.limitBytes, 67_108_864);
    assert.deepEqual(stats.pids, { current: 3, limit: 50 });
    assert.ok(stats.cpu.usageNs > 0n && stats.memory.usageBytes > 0);
    await task.kill(world.call, "SIGKILL", { all: true });
    await task.wait(world.call);
    await fails("failedPrecondition", task.stats(world.call));
    await task.delete(world.call);
  });

  run("tells that the kernel killed it for want of memory", async (world) => {
    const memory = { limit: 16_777_216, swap: 16_777_216 };
    const task = await world.started(["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=4; exit 137"], {
      resources: { memory },
    });
    const exit = await task.wait(world.call);
    assert.equal(exit.oomKilled, true);
    await task.delete(world.call);
  });

  run("opens its log anew when that was moved, without losing a line", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(
      ["sh", "-c", "i=0; while [ ! -e /end ]; do i=$((i+1)); echo $i; sleep 0.002; done"],
      {
        logPath,
      },
    );
    for (let at = 1; at <= 3; at++) {
      await eventually("something is logged", async () => (await stat(logPath)).size > 0);
      await rename(logPath, `${logPath}.${at}`);
      // The second finds nothing to do, and throws nothing away.
      await Promise.all([task.reopenLog(world.call), task.reopenLog(world.call)]);
      await stat(logPath);
    }
    await task.reopenLog(world.call);
    await writeFile(join(world.root, "end"), "");
    await task.wait(world.call);
    const files = await Promise.all([1, 2, 3].map((at) => readFile(`${logPath}.${at}`, "utf8")));
    const all = [...files, await readFile(logPath, "utf8")].join("");
    const numbers = [...all.matchAll(/ F (\d+)$/gm)].map((match) => Number(match[1]));
    assert.ok(numbers.length > 3);
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => at + 1),
    );
    await task.delete(world.call);
  });

  run("loses nothing of a log that is moved away while the container ends", async (world) => {
    for (let round = 0; round < 5; round++) {
      const logPath = join(world.directory, `log-${round}`);
      const script = `echo first; until [ -e /end-${round} ]; do sleep 0.01; done; echo last`;
      const task = await world.started(["sh", "-c", script], { logPath });
      const text = async (path: string) => await readFile(path, "utf8").catch(() => "");
      await eventually("something is logged", async () => (await text(logPath)).includes("first"));
      // Whoever carries the output finds the request and the end together.
      const monitor = await world.fixture.monitorPid(task);
      process.kill(monitor, "SIGSTOP");
      await rename(logPath, `${logPath}.1`);
      const reopened = task.reopenLog(world.call).then(
        () => true,
        () => false,
      );
      await writeFile(join(world.root, `end-${round}`), "");
      await eventually("the container ends", async () => await hasEnded(task.pid));
      process.kill(monitor, "SIGCONT");
      // As a kubelet: what could not be opened anew gets its name back.
      if (!(await reopened)) await rename(`${logPath}.1`, logPath);
      await task.wait(world.call);
      assert.match(`${await text(`${logPath}.1`)}${await text(logPath)}`, /^\S+ stdout F first\n\S+ stdout F last\n$/);
      await task.delete(world.call);
    }
  });

  run("goes on when its log cannot be opened anew, and says that", async (world) => {
    const folder = join(world.directory, "logs");
    await mkdir(folder);
    const task = await world.started(["sleep", "1000"], { logPath: join(folder, "log") });
    // It is there though nothing was said.
    await stat(join(folder, "log"));
    await rm(folder, { recursive: true });
    await fails("notFound", task.reopenLog(world.call), /its directory is not there/);
    await mkdir(folder);
    await task.reopenLog(world.call);
    assert.equal(await task.state(world.call), "running");
    await task.kill(world.call, "SIGKILL");
    await task.wait(world.call);
    await task.delete(world.call);
  });
}

/** It is gone, or nobody has waited for it yet. */
async function hasEnded(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat === "" || / Z /.test(stat.slice(stat.lastIndexOf(")")));
}
