import assert from "node:assert/strict";
import test, { after, before, suite } from "node:test";
import { isKind } from "#base/errors.ts";
import { attachContainer } from "#engine/attach-container.ts";
import { createExec, inspectExec, startExec } from "#engine/exec.ts";
import { killContainer } from "#engine/kill-container.ts";
import { listProcesses } from "#engine/list-processes.ts";
import { pauseContainer, unpauseContainer } from "#engine/pause-container.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { stopContainer } from "#engine/stop-container.ts";
import { waitContainer } from "#engine/wait-container.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;

suite("containers live", { skip: isRoot ? false : "needs root" }, () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await openTestDaemon();
  });
  after(async () => await daemon[Symbol.asyncDispose]());

  const run = async (id: string) => {
    const { call, engine } = daemon;
    const { exited } = await waitContainer(call, engine, id, "next-exit");
    await startContainer(call, engine, id);
    return await exited;
  };
  const stateOf = async (id: string) => (await daemon.engine.containers.resolve(daemon.call, id)).status;

  test("a command runs, its output is in the log, its code in the record", async () => {
    const container = await daemon.create(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert.equal(container.status.state, "created");
    assert.equal((await run(container.id)).exitCode, 7);
    const { state, exitCode, pid, startedAtNs = 0n, finishedAtNs = 0n } = await stateOf(container.id);
    assert.deepEqual({ state, exitCode, pid }, { state: "exited", exitCode: 7, pid: 0 });
    assert.ok(startedAtNs < finishedAtNs);
    assert.deepEqual((await daemon.logOf(container)).trim().split("\n").sort(), ["err", "out"]);
  });

  test("a missing command is 127, one that cannot be executed 126, and nothing stays", async () => {
    const { call, engine } = daemon;
    for (const [command, code] of [
      ["no-such-command", 127],
      ["/etc", 126],
    ] as const) {
      const { id } = await daemon.create([command]);
      await assert.rejects(startContainer(call, engine, id), (error) => isKind(error, "invalidArgument"));
      const { state, exitCode, error } = await stateOf(id);
      assert.deepEqual({ state, exitCode }, { state: "created", exitCode: code });
      assert.notEqual(error, "");
      assert.equal(await engine.runtime.find(call, { namespace: call.namespace, containerId: id }), undefined);
    }
  });

  test("stop waits for the grace, then kills; a second stop changes nothing", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]);
    await startContainer(call, engine, id);
    const stopped = await stopContainer(call, engine, { container: id, graceMs: 300 });
    assert.deepEqual([stopped.status.state, stopped.status.exitCode], ["exited", 137]);
    await assert.rejects(stopContainer(call, engine, { container: id }), (error) => isKind(error, "notModified"));
    await assert.rejects(killContainer(call, engine, { container: id }), /is not running/);
  });

  test("a running container is not removed without force, and starts only once", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["sleep", "100"], {}, "kept");
    await startContainer(call, engine, "kept");
    await assert.rejects(startContainer(call, engine, "kept"), (error) => isKind(error, "notModified"));
    const request = { container: "kept", removeVolumes: true };
    await assert.rejects(removeContainer(call, engine, { ...request, force: false }), /stop the container before/);
    const { exited } = await waitContainer(call, engine, id, "removed");
    await removeContainer(call, engine, { ...request, force: true });
    assert.equal((await exited).exitCode, 137);
    assert.equal(await engine.containers.find(call, id), undefined);
  });

  test("--rm goes by itself", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["true"], { autoRemove: true });
    const { exited } = await waitContainer(call, engine, id, "removed");
    await startContainer(call, engine, id);
    assert.equal((await exited).exitCode, 0);
  });

  test("pause stops time, unpause lets it go on", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["sleep", "100"]);
    await startContainer(call, engine, id);
    assert.equal((await pauseContainer(call, engine, id)).status.state, "paused");
    await assert.rejects(pauseContainer(call, engine, id), /is already paused/);
    assert.equal((await unpauseContainer(call, engine, id)).status.state, "running");
    await removeContainer(call, engine, { container: id, force: true, removeVolumes: true });
  });

  test("an attach before the start misses nothing, and brings input", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["cat"], { stdin: "once" });
    await using streams = await attachContainer(call, engine, {
      container: id,
      stdin: true,
      stdout: true,
      stderr: true,
    });
    const { exited } = await waitContainer(call, engine, id, "next-exit");
    await startContainer(call, engine, id);
    streams.stdin?.end("from outside\n");
    assert.equal(await textOf(streams.stdout), "from outside\n");
    assert.equal((await exited).exitCode, 0);
  });

  test("exec runs beside it, with its own code; top lists both", async () => {
    const { call, engine } = daemon;
    const { id } = await daemon.create(["sleep", "100"]);
    await startContainer(call, engine, id);
    const exec = await createExec(call, engine, {
      container: id,
      args: ["sh", "-c", "echo $GREETING; exit 3"],
      env: ["GREETING=hello"],
      user: "",
      workdir: "",
      tty: false,
      privileged: false,
      attach: { stdin: false, stdout: true, stderr: true },
    });
    const { streams } = await startExec(call, engine, { execId: exec.id, detach: false });
    assert.ok(streams);
    assert.equal(await textOf(streams.stdout), "hello\n");
    await streams[Symbol.asyncDispose]();
    await eventually("exec ended", async () => inspectExec(call, engine, exec.id).exitCode === 3);
    const { titles, processes } = await listProcesses(call, engine, id);
    assert.deepEqual(titles, ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    assert.deepEqual(
      processes.map((row) => row.at(-1)),
      ["sleep 100"],
    );
    await removeContainer(call, engine, { container: id, force: true, removeVolumes: true });
  });

  test("volumes keep what the image has there, and are removed on request", async () => {
    const { call, engine } = daemon;
    const mount = {
      t: "volume",
      name: "",
      destination: "/etc",
      readOnly: false,
      noCopy: false,
      anonymous: true,
    } as const;
    const container = await daemon.create(["sh", "-c", "ls /etc | head -1; echo more > /etc/more"], {
      mounts: [mount],
    });
    assert.equal((await run(container.id)).exitCode, 0);
    assert.notEqual((await daemon.logOf(container)).trim(), "");
    const before = await engine.volumes.list(call);
    await removeContainer(call, engine, { container: container.id, force: false, removeVolumes: true });
    assert.equal((await engine.volumes.list(call)).length, before.length - 1);
  });

  test("a restart policy acts on failures, so many times, and a stop ends it", async () => {
    const { call, engine } = daemon;
    const failing = await daemon.create(["false"], { restart: { name: "on-failure", maxRetries: 2 } });
    await startContainer(call, engine, failing.id);
    await eventually("given up", async () => {
      const { state, restartCount } = await stateOf(failing.id);
      return state === "exited" && restartCount === 2;
    });
    const lasting = await daemon.create(["sleep", "0.1"], { restart: { name: "always", maxRetries: 0 } });
    await startContainer(call, engine, lasting.id);
    await eventually("restarted twice", async () => (await stateOf(lasting.id)).restartCount >= 2);
    await stopContainer(call, engine, { container: lasting.id, graceMs: 100 });
    const { state, stoppedByUser } = await stateOf(lasting.id);
    assert.deepEqual({ state, stoppedByUser }, { state: "exited", stoppedByUser: true });
  });

  test("health follows the probes", async () => {
    const { call, engine } = daemon;
    const health = {
      test: ["CMD-SHELL", "test ! -e /sick"],
      intervalMs: 100,
      timeoutMs: 60_000,
      startPeriodMs: 0,
      startIntervalMs: 100,
      retries: 2,
    };
    const { id } = await daemon.create(["sleep", "1000"], { health });
    await startContainer(call, engine, id);
    await eventually("healthy", async () => (await stateOf(id)).health?.status === "healthy");
    const touch = { args: ["touch", "/sick"], env: [], user: "", workdir: "", tty: false, privileged: false } as const;
    const none = { stdin: false, stdout: false, stderr: false };
    const exec = await createExec(call, engine, { container: id, ...touch, attach: none });
    await startExec(call, engine, { execId: exec.id, detach: true });
    await eventually("unhealthy", async () => (await stateOf(id)).health?.status === "unhealthy");
    // The last five are kept.
    await eventually("a full log", async () => (await stateOf(id)).health?.log.length === 5);
    await removeContainer(call, engine, { container: id, force: true, removeVolumes: true });
  });

  test("ten start at once, each on the network with an address of its own", async () => {
    const { call, engine } = daemon;
    const networks = [{ network: "bridge", aliases: [] }];
    const ids = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { id } = await daemon.create(["sleep", "100"], { networks });
        await startContainer(call, engine, id);
        return id;
      }),
    );
    const addresses = await Promise.all(
      ids.map(async (id) => (await engine.containers.get(call, id)).attachments[0]?.ipv4?.address),
    );
    assert.equal(new Set(addresses).size, 10);
    const request = { force: true, removeVolumes: true };
    await Promise.all(ids.map((id) => removeContainer(call, engine, { container: id, ...request })));
  });
});

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
