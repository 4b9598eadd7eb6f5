import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
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
import { isRunning } from "#core/tasks/runtime-world.fixture.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { findProcesses } from "#test/support/processes.ts";
import { openShimRuntime } from "./shim-runtime.ts";

test("a daemon killed at any moment of create, start and delete leaves nothing that recover does not find", async (t) => {
  await inPlace(t, async (place, call) => {
    const script = join(import.meta.dirname, "create-loop.fixture.ts");
    const open = async () => await openShimRuntime(options(place));
    await recoversFromKills(call, { place, traces, script, everyMs: 18, open });
  });
});

test("what a container writes and how it ends while no daemon is there is in the log and told afterwards", async (t) => {
  await inPlace(t, async (place, call) => {
    const count = "while [ $i -le $to ]; do echo $i; i=$((i+1)); done";
    const alone = "while [ ! -e /alone ]; do sleep 0.01; done";
    place.spec.process.args = ["sh", "-c", `i=1 to=9000; ${count}; ${alone}; to=20000; ${count}; printf end; exit 9`];
    const first = await openShimRuntime(options(place));
    const task = await first.create(call, { ...loopRef(call), spec: place.spec, stdin: "none", logPath: place.log });
    await task.start(call);
    const { pid } = task;
    await first.close();
    await writeFile(join(place.spec.root.path, "alone"), "");
    await eventuallyEqual(async () => await isRunning(pid), false);
    await using second = await openShimRuntime(options(place));
    await second.recover(call);
    const found = await second.find(call, loopRef(call));
    assert.equal((await found?.wait(call))?.exitCode, 9);
    const text = await readFile(place.log, "utf8");
    const numbers = [...text.matchAll(/ stdout F (\d+)$/gm)].map((match) => Number(match[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 20_000 }, (_, at) => at + 1),
    );
    assert.match(text, / stdout P end\n$/);
    await found?.delete(call);
  });
});

test("the containers of a pod share a shim, which ends with the last", async (t) => {
  await inPlace(t, async (place, call) => {
    const annotations = { "io.kubernetes.cri.sandbox-id": "abc" };
    await using runtime = await openShimRuntime(options(place));
    const make = async (id: string) => {
      const linux = { ...place.spec.linux, cgroupsPath: `/${place.cgroup}/${id}` };
      const spec = { ...place.spec, annotations, linux };
      const task = await runtime.create(call, { ...loopRef(call, id), spec, stdin: "none" });
      await task.start(call);
      return task;
    };
    const [one, two] = [await make("abc"), await make("def")];
    assert.equal((await findProcesses(`${place.state}/shim-events.sock`)).length, 1);
    await one.delete(call, { force: true });
    assert.equal(await two.state(call), "running");
    await two.delete(call, { force: true });
  });
});

function options(place: RecoveryPlace) {
  const handlers = { runc: { runtimeType: "io.containerd.runc.v2" } };
  return { stateDirectory: place.state, log: silentLogger, handlers };
}

async function inPlace(t: TestContext, body: (place: RecoveryPlace, call: Call) => Promise<void>) {
  await inRecoveryPlace(t, { label: "shim", binaries: ["containerd-shim-runc-v2", "runc"], traces }, body);
}

async function traces({ state }: RecoveryPlace): Promise<Record<string, string[]>> {
  return {
    runtimes: await pathsBelow(join(state, "runtimes"), 3),
    // The directory of a namespace may be there before its first bundle.
    bundles: await pathsBelow(join(state, "shims"), 2),
    sockets: (await entriesOf("/run/containerd/s")).filter((name) => name === socketName(state)),
  };
}

/** As runc's shim names its socket, for the container or group `abc`. */
function socketName(state: string): string {
  return createHash("sha256")
    .update(join(state, "shim-events.sock", "loop", "abc"))
    .digest("hex");
}
