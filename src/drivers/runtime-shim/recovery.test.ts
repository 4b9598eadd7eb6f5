import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
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
import { openShimRuntime } from "./shim-runtime.ts";

const nothing = { processes: [], runtimes: [], bundles: [], cgroups: [], sockets: [] };

type Place = { readonly state: string; readonly spec: OciSpec; readonly cgroup: string; readonly log: string };

test("a daemon killed at any moment of create, start and delete leaves nothing that recover does not find", async (t) => {
  await inPlace(t, async (place, call) => {
    const specFile = join(place.state, "..", "spec.json");
    await writeFile(specFile, JSON.stringify(place.spec));
    for (let round = 0; round < 14; round++) {
      await killDaemonAfter(round * 18, [place.state, specFile]);
      await using runtime = await openShimRuntime(options(place));
      await runtime.recover(call);
      for (const ref of await runtime.list()) await (await runtime.find(call, ref))?.delete(call, { force: true });
      await eventuallyEqual(() => leftIn(place), nothing);
    }
  });
});

test("what a container writes and how it ends while no daemon is there is in the log and told afterwards", async (t) => {
  await inPlace(t, async (place, call) => {
    place.spec.process.args = ["sh", "-c", "for i in $(seq 1 20000); do echo $i; done; sleep 0.3; printf end; exit 9"];
    const first = await openShimRuntime(options(place));
    const task = await first.create(call, { ...ref(call), spec: place.spec, stdin: "none", logPath: place.log });
    await task.start(call);
    await sleep(30);
    await first.close();
    await sleep(1500);
    await using second = await openShimRuntime(options(place));
    await second.recover(call);
    const found = await second.find(call, ref(call));
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
      const task = await runtime.create(call, { ...ref(call, id), spec, stdin: "none" });
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

function ref(call: Call, id = "abc") {
  return { namespace: call.namespace, containerId: id as ContainerId };
}

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

function options(place: Place) {
  const handlers = { runc: { runtimeType: "io.containerd.runc.v2" } };
  return { stateDirectory: place.state, log: silentLogger, handlers };
}

async function inPlace(t: TestContext, body: (place: Place, call: Call) => Promise<void>): Promise<void> {
  if (!requireRoot(t) || !requireBinary(t, "containerd-shim-runc-v2", "runc", "busybox")) return;
  await using directory = await temporaryDirectory("recovery-shim");
  const root = join(directory.path, "root");
  for (const folder of ["bin", "proc", "dev"]) await mkdir(join(root, folder), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "sleep", "seq"]) await symlink("busybox", join(root, "bin", applet));
  const cgroup = basename(directory.path);
  const state = join(directory.path, "state");
  const place = { state, cgroup, log: join(directory.path, "log"), spec: specFor(root, cgroup) };
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

async function leftIn({ state, cgroup }: Place): Promise<Record<string, string[]>> {
  const list = async (path: string) => await readdir(path).catch(() => [] as string[]);
  const below = async (path: string) => (await readdir(path, { recursive: true }).catch(() => [])) as string[];
  const cgroups: string[] = [];
  for (const hierarchy of ["", ...(await list("/sys/fs/cgroup"))])
    for (const id of ["abc", "def"]) {
      const path = join("/sys/fs/cgroup", hierarchy, cgroup, id);
      if ((await list(path)).length > 0) cgroups.push(path);
    }
  return {
    processes: (await findProcesses(`${state}/`)).map(String),
    runtimes: (await below(join(state, "runtimes"))).filter((path) => path.split("/").length > 2),
    // The directory of a namespace may be there before its first bundle.
    bundles: (await below(join(state, "shims"))).filter((path) => path.includes("/")),
    cgroups,
    sockets: (await list("/run/containerd/s")).filter((name) => name === socketName(state)),
  };
}

/** As runc's shim names its socket, for the container or group `abc`. */
function socketName(state: string): string {
  return createHash("sha256")
    .update(join(state, "shim-events.sock", "loop", "abc"))
    .digest("hex");
}
