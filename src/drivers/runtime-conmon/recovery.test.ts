import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "#base/logger.ts";
import type { Call } from "#core/call.ts";
import {
  entriesOf,
  inRecoveryPlace,
  loopRef,
  pathsBelow,
  recoversFromKills,
  type RecoveryPlace,
} from "#core/tasks/runtime-recovery.fixture.ts";
import { openConmonRuntime } from "./conmon-runtime.ts";
import type { ConmonTask } from "./conmon-task.ts";
import { LogRotator } from "./log-rotator.ts";

for (const name of ["crun", "runc"]) {
  test(`a daemon killed at any moment of create, start and delete leaves nothing that recover does not find (${name})`, async (t) => {
    await inPlace(t, name, async (place, call) => {
      const script = join(import.meta.dirname, "create-loop.fixture.ts");
      const open = async () => await openConmonRuntime(call, options(place, name));
      await recoversFromKills(call, { place, traces, script, args: [name], everyMs: 4, open });
    });
  });

  test(`processes that outlive the first one, in the host's pid namespace, go with the task (${name})`, async (t) => {
    await inPlace(t, name, async (place, call) => {
      const { spec } = place;
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "pid");
      spec.process.args = ["sh", "-c", "sleep 1000 & exit 3"];
      using runtime = await openConmonRuntime(call, options(place, name));
      const task = await runtime.create(call, { ...loopRef(call), spec, stdin: "none" });
      await task.start(call);
      assert.equal((await task.wait(call)).exitCode, 3);
      await task.delete(call);
    });
  });
}

test("a log that is too large is moved on, the newest kept, no line lost or twice", async (t) => {
  await inPlace(t, "crun", async (place, call) => {
    // It goes on until three files were moved, however slow the machine.
    const more = join(place.spec.root.path, "more");
    place.spec.process.args = ["sh", "-c", "i=0; while [ -e /more ]; do i=$((i+1)); echo $i; sleep 0.001; done"];
    await writeFile(more, "");
    using runtime = await openConmonRuntime(call, options(place, "crun"));
    const spec = { ...loopRef(call), spec: place.spec, stdin: "none" as const, logPath: place.log };
    const task = (await runtime.create(call, { ...spec, logMaxBytes: 4000, logMaxFiles: 100 })) as ConmonTask;
    using rotator = new LogRotator(() => [task], silentLogger);
    await task.start(call);
    for (let moved = 0; task.exit === undefined; moved = (await movedLogs(place)).length) {
      if (moved >= 3) await rm(more, { force: true });
      await rotator.check();
      await sleep(40);
    }
    const files = [...(await movedLogs(place)), "log"];
    const texts = await Promise.all(files.map((file) => readFile(join(place.log, "..", file), "utf8")));
    const numbers = [...texts.join("").matchAll(/ F (\d+)$/gm)].map((match) => Number(match[1]));
    assert.ok(numbers.length > 0);
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => at + 1),
    );
    await task.delete(call);
  });
});

/** In the order they were moved. */
async function movedLogs(place: RecoveryPlace): Promise<string[]> {
  const files = (await readdir(join(place.log, ".."))).filter((file) => /^log\.\d+$/.test(file));
  return files.sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)));
}

function options(place: RecoveryPlace, name: string) {
  return { stateDirectory: place.state, log: silentLogger, handlers: { [name]: { path: name } } };
}

async function inPlace(t: TestContext, name: string, body: (place: RecoveryPlace, call: Call) => Promise<void>) {
  await inRecoveryPlace(t, { label: name, binaries: ["conmon", name], traces }, body);
}

async function traces({ state }: RecoveryPlace): Promise<Record<string, string[]>> {
  return {
    exits: await entriesOf(join(state, "exits")),
    runtimes: await pathsBelow(join(state, "runtimes"), 2),
    bundles: await pathsBelow(join(state, "containers"), 2),
  };
}
