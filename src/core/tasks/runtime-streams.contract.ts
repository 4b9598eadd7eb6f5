import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fails } from "#test/support/fails.ts";
import { bytesOf, Collected, type Run } from "./runtime-world.fixture.ts";

/** Logs, attach, stdin and terminals. */
export function runtimeStreams(run: Run): void {
  run("writes the log, both streams and a last line without an end", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(["sh", "-c", "echo out; echo err >&2; printf end"], { logPath });
    await task.wait(world.call);
    const lines = (await readFile(logPath, "utf8")).split("\n").filter((line) => line !== "");
    const entries = lines.map((line) => line.replace(/^\S+ /, "")).sort();
    assert.deepEqual(entries, ["stderr F err", "stdout F out", "stdout P end"]);
    assert.match(lines[0] ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(\+00:00|Z) /);
    await task.delete(world.call);
  });

  run(
    "an attach before the start sees the first byte, a second attach the same, and stdin ends with its stream",
    async (world) => {
      const task = await world.create(["sh", "-c", "echo first; cat; echo err >&2"], { stdin: "once" });
      await using one = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
      await using two = await task.attach(world.call, { stdin: false, stdout: true, stderr: false });
      const outputs = Promise.all([text(one.stdout), text(one.stderr), text(two.stdout), text(two.stderr)]);
      await task.start(world.call);
      one.stdin?.write("typed\n");
      one.stdin?.end("more\n");
      assert.deepEqual(await outputs, ["first\ntyped\nmore\n", "err\n", "first\ntyped\nmore\n", ""]);
      assert.equal((await task.wait(world.call)).exitCode, 0);
      await fails("failedPrecondition", task.attach(world.call, { stdin: false, stdout: true, stderr: true }));
      await task.delete(world.call);
    },
  );

  run("detaching ends neither the process nor its stdin", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "open" });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: true, stdout: true, stderr: true }))[Symbol.asyncDispose]();
    await sleep(50);
    await using again = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = text(again.stdout);
    again.stdin?.write("it\n");
    assert.equal(await output, "got it\n");
    assert.equal((await task.wait(world.call)).exitCode, 0);
    await task.delete(world.call);
  });

  run("detaching from a terminal leaves it open, one client's stdin or not", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "once", tty: true });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: true, stdout: true, stderr: false }))[Symbol.asyncDispose]();
    await sleep(50);
    await using again = await task.attach(world.call, { stdin: true, stdout: true, stderr: false });
    const output = text(again.stdout);
    again.stdin?.write("it\n");
    assert.equal(await output, "it\r\ngot it\r\n");
    assert.equal((await task.wait(world.call)).exitCode, 0);
    await task.delete(world.call);
  });

  run("one who only listens and leaves does not close a stdin opened for one client", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "once" });
    await using typist = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: false, stdout: true, stderr: true }))[Symbol.asyncDispose]();
    await sleep(50);
    const output = text(typist.stdout);
    typist.stdin?.write("it\n");
    assert.equal(await output, "got it\n");
    await task.delete(world.call, { force: true });
  });

  run("carries megabytes both ways unharmed", async (world) => {
    const task = await world.create(["cat"], { stdin: "once" });
    await using attached = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    await task.start(world.call);
    const data = randomBytes(3 * 1024 * 1024);
    const output = bytesOf(attached.stdout);
    attached.stdin?.end(data);
    assert.ok(data.equals(await output));
    await task.wait(world.call);
    await task.delete(world.call);
  });

  run("has a terminal of the size asked for", async (world) => {
    const until = (size: string) => `until [ "$(stty size 2>&1)" = "${size}" ]; do sleep 0.02; done; stty size`;
    const script = `${until("33 99")}; ${until("40 120")}`;
    const task = await world.create(["sh", "-c", script], { tty: true, stdin: "open" });
    await using attached = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = new Collected(attached.stdout);
    await task.resize(world.call, { width: 99, height: 33 });
    await task.start(world.call);
    await output.until(/33 99\r\n/);
    await task.resize(world.call, { width: 120, height: 40 });
    assert.equal(await output.all, "33 99\r\n40 120\r\n");
    await task.delete(world.call, { force: true });
  });
}
