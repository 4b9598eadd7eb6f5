import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test, { after, before, suite } from "node:test";
import { killContainer } from "#engine/kill-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { stopContainer } from "#engine/stop-container.ts";
import { eventually, eventuallyEqual } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;

suite("a new daemon takes up what the last one left", { skip: isRoot ? false : "needs root" }, () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await openTestDaemon();
  });
  after(async () => await daemon[Symbol.asyncDispose]());

  const statusOf = async (id: string) => (await daemon.engine.containers.resolve(daemon.call, id)).status;
  const start = async (args: readonly string[], config: Parameters<TestDaemon["create"]>[1] = {}) => {
    const { id } = await daemon.create(args, { networks: [{ network: "bridge", aliases: [] }], ...config });
    await startContainer(daemon.call, daemon.engine, id);
    return id;
  };

  test("running ones run on, exits meanwhile are known, and a later exit is seen", async () => {
    const running = await start(["sleep", "1000"]);
    const ending = await start(["sh", "-c", "sleep 0.5; exit 5"]);
    const { pid } = await statusOf(running);
    const { pid: endingPid } = await statusOf(ending);
    const hasEnded = () => endingPid === 0 || !existsSync(`/proc/${endingPid}`);
    await daemon.restart(async () => await eventually("it has ended", hasEnded));
    await eventuallyEqual(async () => {
      const { state, exitCode } = await statusOf(ending);
      return [state, exitCode];
    }, ["exited", 5]);
    const adopted = await statusOf(running);
    assert.deepEqual([adopted.state, adopted.pid], ["running", pid]);
    await killContainer(daemon.call, daemon.engine, { container: running });
    assert.equal((await statusOf(running)).exitCode, 137);
  });

  test("half-made containers are removed", async () => {
    const { id } = await daemon.create(["true"]);
    const { engine, call } = daemon;
    const undo = (state: "creating" | "removing") => (container: Awaited<ReturnType<TestDaemon["create"]>>) => ({
      ...container,
      status: { ...container.status, state },
    });
    const other = await daemon.create(["true"]);
    await engine.containers.update(call, id, undo("creating"));
    await engine.containers.update(call, other.id, undo("removing"));
    await daemon.restart();
    assert.equal(await daemon.engine.containers.find(daemon.call, id), undefined);
    assert.equal(await daemon.engine.containers.find(daemon.call, other.id), undefined);
  });

  test("a start that was not recorded is undone", async () => {
    const id = await start(["sleep", "1000"]);
    const { engine, call } = daemon;
    await engine.containers.update(call, id, (container) => ({
      ...container,
      status: { ...container.status, state: "created", pid: 0 },
    }));
    await daemon.restart();
    assert.equal((await statusOf(id)).state, "created");
    assert.deepEqual(await daemon.engine.runtime.list(), []);
    assert.deepEqual(await daemon.engine.linuxNamespaces.listNetwork(), []);
  });

  test("after a reboot policies decide, and the rest is known to have ended", async () => {
    const policy = (name: "always" | "unless-stopped") => ({ restart: { name, maxRetries: 0 } });
    const plain = await start(["sleep", "1000"]);
    const lasting = await start(["sleep", "1000"], policy("unless-stopped"));
    const stopped = await start(["sleep", "1000"], policy("unless-stopped"));
    await stopContainer(daemon.call, daemon.engine, { container: stopped, graceMs: 0 });
    await daemon.reboot();
    await eventually("back again", async () => (await statusOf(lasting)).state === "running");
    const states = await Promise.all([plain, stopped].map(async (id) => (await statusOf(id)).state));
    assert.deepEqual(states, ["exited", "exited"]);
    assert.equal((await statusOf(plain)).exitCode, 255);
  });
});
