import { execFile } from "node:child_process";
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { constants } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { EngineError, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RuntimeFeatures } from "#core/tasks/runtime.ts";
import { removeAbandonedCgroup } from "#base/processes/remove-abandoned-cgroup.ts";
import { childEnvironment, runRuntime, type RuntimeBinary } from "./runtime-binary.ts";

/** Runtimes looked for, best first. */
const knownRuntimes = ["crun", "runc"];

export type FoundRuntime = { readonly path: string; readonly reason: string };

/**
 * The first runtime that really makes a container on this machine: crun starts in half the time, but refuses some cgroup
 * layouts.
 *
 * @throws failedPrecondition with what each of them said
 */
export async function chooseRuntime(call: Call, stateDirectory: string): Promise<FoundRuntime> {
  await removeOldProbes(call, stateDirectory);
  const refusals: string[] = [];
  for (const name of knownRuntimes) {
    const path = await findInPath(name);
    if (path === undefined) refusals.push(`${name}: not installed`);
    else {
      const refusal = await tryRuntime(call, path, stateDirectory);
      if (refusal === undefined)
        return { path, reason: [`${name}: a trial container was made`, ...refusals].join("; ") };
      refusals.push(`${name}: ${refusal}`);
    }
  }
  throw new EngineError("failedPrecondition", `no usable OCI runtime: ${refusals.join("; ")}`);
}

/** Absolute path of a program, by name or path; undefined when it is not there. */
export async function findInPath(name: string): Promise<string | undefined> {
  const candidates = name.includes("/") ? [name] : childEnvironment.PATH.split(":").map((folder) => join(folder, name));
  for (const candidate of candidates)
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  return undefined;
}

/** Makes and removes a container that is never started; undefined when that went well. */
async function tryRuntime(call: Call, path: string, stateDirectory: string): Promise<string | undefined> {
  const directory = await mkdtemp(join(stateDirectory, "probe-"));
  const name = basename(directory);
  const root = join(directory, "root");
  const binary: RuntimeBinary = { name: "probe", path, root, systemdCgroup: false, options: [] };
  try {
    const program = join(directory, "rootfs", "probe");
    for (const name of ["dev", "proc"]) await mkdir(join(directory, "rootfs", name), { recursive: true });
    await writeFile(program, "");
    await chmod(program, 0o755);
    await writeFile(join(directory, "config.json"), JSON.stringify(probeSpec(name)));
    await runRuntime(call, binary, ["create", "--bundle", directory, name]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await runRuntime(call, binary, ["delete", "--force", name]).catch(() => {});
    await removeAbandonedCgroup(join(directory, "config.json"), name);
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a daemon killed while it probed left. */
async function removeOldProbes(call: Call, stateDirectory: string): Promise<void> {
  for (const name of await readdir(stateDirectory)) {
    if (!name.startsWith("probe-")) continue;
    const directory = join(stateDirectory, name);
    for (const known of knownRuntimes) {
      const path = await findInPath(known);
      const binary = {
        name: known,
        path: path ?? known,
        root: join(directory, "root"),
        systemdCgroup: false,
        options: [],
      };
      if (path !== undefined) await runRuntime(call, binary, ["delete", "--force", name]).catch(() => {});
    }
    await removeAbandonedCgroup(join(directory, "config.json"), name);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Asks for what every container does: namespaces, a cgroup with limits, a device rule. */
function probeSpec(name: string): object {
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/probe"], env: [], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: {
      cgroupsPath: `/ferry-probe/${name}`,
      namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: "rwm" }], pids: { limit: 16 }, memory: { limit: 33_554_432 } },
    },
  };
}

/** What a runtime says of itself. */
export async function readFeatures(
  binary: RuntimeBinary,
  reason: string,
): Promise<Omit<RuntimeFeatures, "sandboxProcess">> {
  const run = promisify(execFile);
  const { stdout } = await run(binary.path, ["--version"], { env: childEnvironment, timeout: 5000 }).catch(() => ({
    stdout: "",
  }));
  const version = /version (\S+)/.exec(stdout)?.[1] ?? "unknown";
  const unified = await access("/sys/fs/cgroup/cgroup.controllers").then(
    () => true,
    () => false,
  );
  return {
    name: binary.name,
    reason,
    path: binary.path,
    version,
    ociVersion: /spec: (\S+)/.exec(stdout)?.[1] ?? "unknown",
    cgroupVersion: unified ? 2 : 1,
    cgroupDriver: binary.systemdCgroup ? "systemd" : "cgroupfs",
    seccomp: /libseccomp|\+SECCOMP/.test(stdout),
    recursiveReadOnly: await isKernelFrom(5, 12),
    userNamespaces: await hasUserNamespaces(),
  };
}

/** Their root needs an overlay of id-mapped layers, Linux 5.19; all that a runtime has to do is to join one. */
async function hasUserNamespaces(): Promise<boolean> {
  const most = await readFile("/proc/sys/user/max_user_namespaces", "utf8").catch(() => "0");
  return Number(most) > 0 && (await isKernelFrom(5, 19));
}

/** Recursive read-only needs mount_setattr(2), Linux 5.12; crun and runc since 1.1 know `rro`. */
async function isKernelFrom(wantedMajor: number, wantedMinor: number): Promise<boolean> {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(await readFile("/proc/sys/kernel/osrelease", "utf8")) ?? [];
  return Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor);
}
