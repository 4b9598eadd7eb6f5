import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fails } from "#test/support/fails.ts";
import { Collected, streamsOf, type Run } from "./runtime-world.fixture.ts";

/** Further processes in a running task. */
export function runtimeExecs(run: Run): void {
  run("runs further processes with user, env, directory, stdin and exit code", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sh", "-c", "echo $A; pwd; id -u; cat; echo err >&2; exit 5"], {
      process: { user: { uid: 12, gid: 12 }, env: ["PATH=/bin", "A=b"], cwd: "/tmp" },
    });
    assert.ok(exec.pid > 1);
    const outputs = Promise.all([text(streamsOf(exec).stdout), text(streamsOf(exec).stderr)]);
    streamsOf(exec).stdin?.end("typed\n");
    assert.deepEqual(await outputs, ["b\n/tmp\n12\ntyped\n", "err\n"]);
    assert.equal((await exec.wait(world.call)).exitCode, 5);
    await fails("notFound", exec.kill(world.call, "SIGTERM"));
    await task.delete(world.call, { force: true });
  });

  run("tells a missing command, and one that cannot be executed, of an exec", async (world) => {
    await writeFile(join(world.root, "bin", "plain"), "text");
    const task = await world.started(["sleep", "100"]);
    for (const tty of [false, true]) {
      const process = { terminal: tty };
      await fails("notFound", world.exec(task, ["nope"], { process }), /"nope": executable file not found in \$PATH/);
      await fails("permissionDenied", world.exec(task, ["/bin/plain"], { process }), /permission denied/);
    }
    await task.delete(world.call, { force: true });
    await fails("failedPrecondition", world.exec(task, ["true"]));
  });

  run("gives an exec real pipes, and a signal's number as its code", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const piped = await world.exec(task, ["sh", "-c", "echo there > /dev/stdout"]);
    assert.equal(await text(streamsOf(piped).stdout), "there\n");
    assert.equal((await piped.wait(world.call)).exitCode, 0);
    const long = await world.exec(task, ["sleep", "100"]);
    await long.kill(world.call, "SIGKILL");
    assert.equal((await long.wait(world.call)).exitCode, 137);
    await fails("failedPrecondition", long.resize(world.call, { width: 1, height: 1 }));
    await task.delete(world.call, { force: true });
  });

  run("an exec with a terminal has its size, its input and all of its output", async (world) => {
    const task = await world.started(["sleep", "100"]);
    // The size comes beside the start: a process may be quicker.
    const script =
      'until [ "$(stty size 2>&1)" = "31 91" ]; do sleep 0.02; done; stty size; while [ "$(stty size)" = "31 91" ]; do sleep 0.02; done; stty size; read x; echo $x; exit 9';
    const exec = await world.exec(task, ["sh", "-c", script], {
      process: { terminal: true },
      size: { width: 91, height: 31 },
    });
    const output = new Collected(streamsOf(exec).stdout);
    await output.until(/31 91\r\n/);
    await exec.resize(world.call, { width: 70, height: 20 });
    await output.until(/20 70\r\n/);
    streamsOf(exec).stdin?.write("word\n");
    assert.match(await output.all, /31 91\r\n20 70\r\nword\r\nword\r\n$/);
    assert.equal((await exec.wait(world.call)).exitCode, 9);
    await task.delete(world.call, { force: true });
  });

  run("a detached exec runs without anybody, and its code is known", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sh", "-c", "echo made > /tmp/made; exit 4"], { detached: true });
    assert.equal(exec.streams, undefined);
    assert.equal((await exec.wait(world.call)).exitCode, 4);
    assert.equal(await readFile(join(world.root, "tmp", "made"), "utf8"), "made\n");
    await task.delete(world.call, { force: true });
  });

  run("execs end with the container", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sleep", "100"]);
    await task.kill(world.call, "SIGKILL");
    assert.equal((await exec.wait(world.call)).exitCode, 137);
    await task.wait(world.call);
    await task.delete(world.call);
  });
}
