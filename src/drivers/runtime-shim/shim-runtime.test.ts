import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runtimeContract } from "#core/tasks/runtime.contract.ts";
import type { RuntimeFixture } from "#core/tasks/runtime-world.fixture.ts";
import { silentLogger } from "#base/logger.ts";
import { testCall } from "#test/support/call.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { leftCgroups } from "#test/support/left-cgroups.ts";
import { findProcesses } from "#test/support/processes.ts";
import { findBinary } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { findAddress } from "./shim-process.ts";
import { openShimRuntime, type ShimRuntime } from "./shim-runtime.ts";
import { TaskClient } from "./task-client.ts";

runtimeContract("containerd-shim-runc-v2", openFixture);

async function openFixture(): Promise<RuntimeFixture | undefined> {
  const missing = ["containerd-shim-runc-v2", "busybox", "runc"].some((binary) => findBinary(binary) === undefined);
  if (missing || process.getuid?.() !== 0) return undefined;
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("runtime-shim"));
  const stateDirectory = join(directory.path, "state");
  const handlers = { runc: { runtimeType: "io.containerd.runc.v2", options: { binaryName: "runc" } } };
  const open = async () => await openShimRuntime({ stateDirectory, log: silentLogger, handlers });
  const opened: ShimRuntime[] = [await open()];
  const owned = undo.move();
  return {
    runtime: opened[0] as ShimRuntime,
    directory: directory.path,
    async reopen() {
      for (const runtime of opened) await runtime.close();
      const next = await open();
      opened.push(next);
      return next;
    },
    async monitorPid(task) {
      const bundle = join(stateDirectory, "shims", task.ref.namespace, task.ref.containerId);
      const address = await findAddress(bundle);
      assert.ok(address);
      using client = await TaskClient.open(testCall(), address, task.ref.containerId);
      return (await client.connect(testCall())).shimPid;
    },
    async [Symbol.asyncDispose]() {
      for (const runtime of opened) await runtime.close();
      owned.defer(() => eventuallyEqual(() => findLeftovers(stateDirectory), nothing));
      await owned.disposeAsync();
    },
  };
}

const nothing = { runtimes: [], bundles: [], processes: [], cgroups: [], sockets: [] };

async function findLeftovers(state: string): Promise<Record<string, string[]>> {
  const below = async (path: string) => (await readdir(path, { recursive: true }).catch(() => [])) as string[];
  return {
    runtimes: (await below(join(state, "runtimes"))).filter((path) => path.split("/").length > 2),
    bundles: await below(join(state, "shims")),
    processes: (await findProcesses(state)).map(String),
    cgroups: await leftCgroups(basename(dirname(state))),
    sockets: await leftSockets(state),
  };
}

/** Of the tasks that the contract makes, by the name that runc's shim gives its socket. */
async function leftSockets(state: string): Promise<string[]> {
  const names = new Set(await readdir("/run/containerd/s").catch(() => []));
  const ids = ["t", "a", "b"].map((label) => Buffer.from(label).toString("hex").padEnd(64, "0"));
  const places = ["contract", "one", "two"].flatMap((namespace) => ids.map((id) => join(namespace, id)));
  const hash = (place: string) =>
    createHash("sha256")
      .update(join(state, "shim-events.sock", place))
      .digest("hex");
  return places.filter((place) => names.has(hash(place)));
}
