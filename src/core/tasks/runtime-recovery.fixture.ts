import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { testCall } from "#test/support/call.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { leftCgroups } from "#test/support/left-cgroups.ts";
import { findProcesses } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import type { OciSpec } from "./oci-spec.ts";
import type { Runtime, TaskRef } from "./runtime.ts";

/** Where a driver's recovery is tried: a state directory, and a busybox root that `spec` runs `sleep` in. */
export type RecoveryPlace = {
  readonly state: string;
  readonly spec: OciSpec;
  /** The parent of tasks' cgroups, by its name; unlike every other test's. */
  readonly cgroup: string;
  readonly log: string;
};

/** A driver's own traces below a place, by kind; each list is empty when nothing is left. */
export type Traces = (place: RecoveryPlace) => Promise<Record<string, string[]>>;

export type RecoveryBed = { readonly label: string; readonly binaries: readonly string[]; readonly traces: Traces };

/** A place for `body`, and the proof that nothing is left of what it made there. Skips where a binary is missing. */
export async function inRecoveryPlace(
  t: TestContext,
  { label, binaries, traces }: RecoveryBed,
  body: (place: RecoveryPlace, call: Call) => Promise<void>,
): Promise<void> {
  if (!requireRoot(t) || !requireBinary(t, "busybox", ...binaries)) return;
  await using directory = await temporaryDirectory(`recovery-${label}`);
  const root = join(directory.path, "root");
  for (const folder of ["bin", "proc", "dev"]) await mkdir(join(root, folder), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "sleep", "seq"]) await symlink("busybox", join(root, "bin", applet));
  const cgroup = basename(directory.path);
  const state = join(directory.path, "state");
  const place = { state, cgroup, log: join(directory.path, "log"), spec: specFor(root, cgroup) };
  await body(place, testCall({ namespace: "loop", signal: AbortSignal.timeout(600_000) }));
  await nothingLeft(place, traces);
}

type Kills = {
  readonly place: RecoveryPlace;
  readonly traces: Traces;
  /** A script that calls {@link makeForEver}, and what it is given after the state directory and the file of the spec. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly everyMs: number;
  readonly open: () => Promise<Runtime & (AsyncDisposable | Disposable)>;
};

/** Kills a driver's process at fourteen moments of create, start and delete; after each a new one recovers, and nothing is left. */
export async function recoversFromKills(call: Call, kills: Kills): Promise<void> {
  const { place, traces, script, args = [], everyMs, open } = kills;
  const specFile = join(place.state, "..", "spec.json");
  await writeFile(specFile, JSON.stringify(place.spec));
  for (let round = 0; round < 14; round++) {
    await killAfter(round * everyMs, [script, place.state, specFile, ...args]);
    await using runtime = await open();
    await runtime.recover(call);
    for (const ref of await runtime.list()) await (await runtime.find(call, ref))?.delete(call, { force: true });
    await nothingLeft(place, traces);
  }
}

/** What the process does that is killed: makes and removes a task again and again. */
export async function makeForEver(runtime: Runtime, stateDirectory: string, specFile: string): Promise<never> {
  const call = testCall({ namespace: "loop" });
  const spec = JSON.parse(await readFile(specFile, "utf8")) as OciSpec;
  process.stdout.write("ready\n");
  for (;;) {
    const logPath = `${stateDirectory}/log`;
    const task = await runtime.create(call, { ...loopRef(call), spec, stdin: "none", logPath });
    await task.start(call);
    await task.delete(call, { force: true });
  }
}

export function loopRef(call: Call, id = "abc"): TaskRef {
  return { namespace: call.namespace, containerId: id as ContainerId };
}

export async function entriesOf(path: string): Promise<string[]> {
  return await readdir(path).catch(() => []);
}

/** Paths below `path` of at least `depth` names. */
export async function pathsBelow(path: string, depth: number): Promise<string[]> {
  const paths: string[] = await readdir(path, { recursive: true }).catch(() => []);
  return paths.filter((found) => found.split("/").length >= depth);
}

/** Kills the process some time after it has begun. */
async function killAfter(ms: number, args: string[]): Promise<void> {
  const child = spawn(process.execPath, ["--conditions=source", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  await sleep(ms);
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A monitor that has said everything, and commands that a killed daemon had begun, may take a moment to go. */
async function nothingLeft(place: RecoveryPlace, traces: Traces): Promise<void> {
  const left = async () => {
    const found = {
      processes: await processesOf(place),
      cgroups: await leftCgroups(place.cgroup),
      ...(await traces(place)),
    };
    return Object.entries(found).filter(([, list]) => list.length > 0);
  };
  await eventuallyEqual(left, []);
}

async function processesOf({ state }: RecoveryPlace): Promise<string[]> {
  return (await findProcesses(`${state}/`)).map(String);
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
