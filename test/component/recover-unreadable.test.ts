import assert from "node:assert/strict";
import { join } from "node:path";
import test, { suite } from "node:test";
import { collectGarbage } from "#engine/collect-garbage.ts";
import { pruneVolumes } from "#engine/prune-volumes.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { killContainer } from "#engine/kill-container.ts";
import { fails } from "#test/support/fails.ts";
import { Database } from "#drivers/metadata-sqlite/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;

suite("a container whose record cannot be read", { skip: isRoot ? false : "needs root" }, () => {
  test("does not keep the daemon down, runs on, keeps what it may need, and can be removed", async () => {
    await using daemon = await openTestDaemon();
    const networks = [{ network: "bridge", aliases: [] }];
    const volume = { t: "volume", name: "", destination: "/data", readOnly: false, noCopy: true } as const;
    const bad = await daemon.create(
      ["sleep", "1000"],
      { networks, mounts: [{ ...volume, anonymous: true }] },
      "broken",
    );
    const good = await daemon.create(["sleep", "1000"], { networks }, "sound");
    for (const { id } of [bad, good]) await startContainer(daemon.call, daemon.engine, id);
    const running = await daemon.engine.containers.get(daemon.call, bad.id);
    const file = join(daemon.engine.settings.rootDirectory, "meta.db");
    const text = new RegExp(`container ${bad.id} \\(broken, .*remove it with force`);
    const { id } = bad;

    daemon.expectErrors(text);
    await daemon.restart(async () => {
      using database = Database.open(file);
      database.run("UPDATE containers SET record = '{' WHERE id = ?", id);
    });
    const { engine, call } = daemon;
    assert.deepEqual(
      (await engine.containers.list(call)).map(({ name, status }) => [name, status.state]),
      [["sound", "running"]],
    );
    await fails("dataLoss", startContainer(call, engine, "broken"), text);
    await collectGarbage(call, engine);
    assert.deepEqual((await pruneVolumes(call, engine, { all: true })).removed, []);
    const task = await engine.runtime.find(call, { namespace: call.namespace, containerId: id });
    assert.equal(await task?.state(call), "running");
    assert.ok((await engine.linuxNamespaces.listNetwork()).includes(id));
    // Its address is not given to another.
    const third = await daemon.create(["sleep", "1000"], { networks });
    await startContainer(call, engine, third.id);
    const addresses = [...(await engine.containers.list(call)), running].map((it) => it.attachments[0]?.ipv4?.address);
    assert.equal(new Set(addresses).size, 3);

    await fails(
      "dataLoss",
      removeContainer(call, engine, { container: "broken", force: false, removeVolumes: true }),
      text,
    );
    await removeContainer(call, engine, { container: "broken", force: true, removeVolumes: true });
    assert.equal((await engine.volumes.list(call)).length, 1);
    await killContainer(call, engine, { container: third.id });
    const again = await daemon.create(["true"], { networks }, "broken");
    await startContainer(call, engine, again.id);
    await eventually("ended", async () => (await engine.containers.get(call, again.id)).attachments.length === 0);
    await daemon.restart();
    assert.deepEqual((await pruneVolumes(daemon.call, daemon.engine, { all: true })).removed.length, 1);
  });
});
