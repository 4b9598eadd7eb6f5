import { mkdir, readdir, readFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
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
import { openConmonRuntime, type ConmonRuntime } from "./conmon-runtime.ts";

for (const name of ["crun", "runc"]) runtimeContract(`conmon with ${name}`, () => openFixture(name));

async function openFixture(name: string): Promise<RuntimeFixture | undefined> {
  const missing = ["conmon", "busybox", name].some((binary) => findBinary(binary) === undefined);
  if (missing || process.getuid?.() !== 0) return undefined;
  await mountHugetlb();
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory(`runtime-${name}`));
  const stateDirectory = join(directory.path, "state");
  const open = async () =>
    await openConmonRuntime(testCall(), { stateDirectory, log: silentLogger, handlers: { [name]: { path: name } } });
  const opened: ConmonRuntime[] = [await open()];
  const owned = undo.move();
  return {
    runtime: opened[0] as ConmonRuntime,
    directory: directory.path,
    async reopen() {
      for (const runtime of opened) runtime.close();
      const next = await open();
      opened.push(next);
      return next;
    },
    async monitorPid(task) {
      const bundle = join(stateDirectory, "containers", task.ref.namespace, task.ref.containerId);
      return Number(await readFile(join(bundle, "monitor.pid"), "utf8"));
    },
    async [Symbol.asyncDispose]() {
      for (const runtime of opened) runtime.close();
      owned.defer(() => eventuallyEqual(() => findLeftovers(stateDirectory), nothing));
      await owned.disposeAsync();
    },
  };
}

const nothing = { exits: [], runtimes: [], bundles: [], processes: [], cgroups: [] };

async function findLeftovers(state: string): Promise<Record<string, string[]>> {
  const below = async (path: string) => (await readdir(path, { recursive: true }).catch(() => [])) as string[];
  const bundles = (await below(join(state, "containers"))).filter((path) => path.includes("/"));
  const processes = (await findProcesses(state)).map(String);
  const cgroups = await leftCgroups(basename(dirname(state)));
  return {
    exits: await below(join(state, "exits")),
    runtimes: (await below(join(state, "runtimes"))).filter((path) => path.includes("/")),
    bundles,
    processes,
    cgroups,
  };
}

/** crun 1.8 wants every controller of a hybrid layout on a tree of its own. */
async function mountHugetlb(): Promise<void> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const hybrid = mounts.includes(" /sys/fs/cgroup/memory cgroup ");
  if (!hybrid || mounts.includes(" /sys/fs/cgroup/hugetlb ")) return;
  await mkdir("/sys/fs/cgroup/hugetlb", { recursive: true });
  spawnSync("mount", ["-t", "cgroup", "-o", "hugetlb", "cgroup", "/sys/fs/cgroup/hugetlb"]);
}
