import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, rmdir, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { OciSpec } from "#core/tasks/oci-spec.ts";
import { silentLogger } from "#base/logger.ts";
import { testCall } from "#test/support/call.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { findProcesses } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openConmonRuntime } from "./conmon-runtime.ts";
import type { ConmonTask } from "./conmon-task.ts";
import { LogRotator } from "./log-rotator.ts";

const nothing = { processes: [], exits: [], runtimes: [], bundles: [], cgroups: [] };

type Place = { readonly state: string; readonly spec: OciSpec; readonly cgroup: string; readonly log: string };

for (const name of ["crun", "runc"]) {
  test(`a daemon killed at any moment of create, start and delete leaves nothing that recover does not find (${name})`, async (t) => {
    await inPlace(t, name, async (place, call) => {
      const specFile = join(place.state, "..", "spec.json");
      await writeFile(specFile, JSON.stringify(place.spec));
      for (let round = 0; round < 14; round++) {
        await killDaemonAfter(round * 4, [place.state, specFile, name]);
        using runtime = await openConmonRuntime(call, options(place, name));
        await runtime.recover(call);
        for (const ref of await runtime.list()) await (await runtime.find(call, ref))?.delete(call, { force: true });
        await eventuallyEqual(() => leftIn(place), nothing);
      }
    });
  });

  test(`processes that outlive the first one, in the host's pid namespace, go with the task (${name})`, async (t) => {
    await inPlace(t, name, async (place, call) => {
      const { spec } = place;
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "pid");
      spec.process.args = ["sh", "-c", "sleep 1000 & exit 3"];
      using runtime = await openConmonRuntime(call, options(place, name));
      const ref = { namespace: call.namespace, containerId: "abc" as ContainerId };
      const task = await runtime.create(call, { ...ref, spec, stdin: "none" });
      await task.start(call);
      assert.equal((await task.wait(call)).exitCode, 3);
      await task.delete(call);
    });
  });
}

test("a log that is too large is moved on, the newest kept, no line lost or twice", async (t) => {
  await inPlace(t, "crun", async (place, call) => {
    place.spec.process.args = ["sh", "-c", "for i in $(seq 1 600); do echo $i; sleep 0.001; done"];
    using runtime = await openConmonRuntime(call, options(place, "crun"));
    const ref = { namespace: call.namespace, containerId: "abc" as ContainerId };
    const spec = { ...ref, spec: place.spec, stdin: "none" as const, logPath: place.log };
    const task = (await runtime.create(call, { ...spec, logMaxBytes: 4000, logMaxFiles: 100 })) as ConmonTask;
    const rotator = new LogRotator(() => [task], silentLogger);
    await task.start(call);
    while (task.exit === undefined) {
      await rotator.check();
      await sleep(40);
    }
    rotator.close();
    const files = (await readdir(join(place.log, ".."))).filter((file) => /^log\.\d+$/.test(file));
    assert.ok(files.length >= 3, `${files.length} files`);
    const ordered = files.sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)));
    const texts = await Promise.all([...ordered, "log"].map((file) => readFile(join(place.log, "..", file), "utf8")));
    const numbers = [...texts.join("").matchAll(/ F (\d+)$/gm)].map((match) => Number(match[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 600 }, (_, at) => at + 1),
    );
    await task.delete(call);
  });
});

/** Starts the loop, and kills it some time after it has begun. */
async function killDaemonAfter(ms: number, args: string[]): Promise<void> {
  const script = join(import.meta.dirname, "create-loop.fixture.ts");
  const child = spawn(process.execPath, ["--conditions=source", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await sleep(ms);
  child.kill("SIGKILL");
  await once(child, "exit");
}

function options(place: Place, name: string) {
  return { stateDirectory: place.state, log: silentLogger, handlers: { [name]: { path: name } } };
}

async function inPlace(t: TestContext, name: string, body: (place: Place, call: Call) => Promise<void>): Promise<void> {
  if (!requireRoot(t) || !requireBinary(t, "conmon", name, "busybox")) return;
  await using directory = await temporaryDirectory(`recovery-${name}`);
  const root = join(directory.path, "root");
  for (const folder of ["bin", "proc", "dev"]) await mkdir(join(root, folder), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "sleep", "seq"]) await symlink("busybox", join(root, "bin", applet));
  const cgroup = basename(directory.path);
  const place = {
    state: join(directory.path, "state"),
    cgroup,
    log: join(directory.path, "log"),
    spec: specFor(root, cgroup),
  };
  await body(place, testCall({ namespace: "loop", signal: AbortSignal.timeout(50_000) }));
  await eventuallyEqual(() => leftIn(place), nothing);
  for (const hierarchy of ["", ...(await readdir("/sys/fs/cgroup"))])
    await rmdir(join("/sys/fs/cgroup", hierarchy, cgroup)).catch(() => {});
}

function specFor(root: string, cgroup: string): OciSpec {
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["sleep", "1000"], env: ["PATH=/bin"], cwd: "/" },
    root: { path: root },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: {
      cgroupsPath: `/${cgroup}/abc`,
      namespaces: (["pid", "mount", "ipc", "uts", "network"] as const).map((type) => ({ type })),
    },
  };
}

/** A monitor that has said everything, and commands that a killed daemon had begun, may take a moment to go. */
async function leftIn(place: Place): Promise<Record<string, string[]>> {
  for (let tries = 0; ; tries++) {
    const left = await lookIn(place);
    if (tries === 40 || Object.values(left).every((list) => list.length === 0)) return left;
    await sleep(50);
  }
}

async function lookIn({ state, cgroup }: Place): Promise<Record<string, string[]>> {
  const list = async (path: string) => await readdir(path).catch(() => [] as string[]);
  const below = async (path: string) => (await readdir(path, { recursive: true }).catch(() => [])) as string[];
  const cgroups: string[] = [];
  for (const hierarchy of ["", ...(await list("/sys/fs/cgroup"))]) {
    const path = join("/sys/fs/cgroup", hierarchy, cgroup, "abc");
    if ((await list(path)).length > 0) cgroups.push(path);
  }
  return {
    processes: (await findProcesses(`${state}/`)).map(String),
    exits: await list(join(state, "exits")),
    runtimes: (await below(join(state, "runtimes"))).filter((path) => path.includes("/")),
    bundles: (await below(join(state, "containers"))).filter((path) => path.includes("/")),
    cgroups,
  };
}
