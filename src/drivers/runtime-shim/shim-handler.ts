import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { EngineError } from "#base/errors.ts";
import type { RuntimeFeatures } from "#core/tasks/runtime.ts";
import { findShim } from "./shim-process.ts";
import type { ShimOptions } from "./task-client.ts";

/** A handler as containerd configures it: `runtime_type`, `runtime_path` and, for runc's shim, `options`. */
export type ShimHandlerConfig = {
  /** `io.containerd.runc.v2`, or the absolute path of a shim. */
  readonly runtimeType: string;
  /** The shim's program, where it is not looked for by the type. */
  readonly runtimePath?: string;
  readonly options?: ShimOptions;
  /** See `RuntimeFeatures`. Default: not for runc's shim, which holds a pod without. */
  readonly sandboxProcess?: boolean;
};

export type ShimHandler = { readonly path: string; readonly options: ShimOptions; readonly features: RuntimeFeatures };

/** @throws failedPrecondition when the shim is not installed */
export async function openHandler(
  name: string,
  config: ShimHandlerConfig,
  stateDirectory: string,
): Promise<ShimHandler> {
  const { runtimeType, runtimePath } = config;
  const path = await findShim(runtimePath ?? runtimeType);
  if (path === undefined)
    throw new EngineError(
      "failedPrecondition",
      `runtime ${name}: no shim for ${runtimePath ?? runtimeType} is installed`,
    );
  // Only runc's shim is known to take these options.
  const isRunc = /runc\.v[12]$/.test(runtimeType);
  const options = isRunc ? { root: join(stateDirectory, "runtimes", name), ...config.options } : (config.options ?? {});
  const sandboxProcess = config.sandboxProcess ?? !isRunc;
  return { path, options, features: { ...(await readShimFeatures(name, path, options)), sandboxProcess } };
}

async function readShimFeatures(
  name: string,
  path: string,
  options: ShimOptions,
): Promise<Omit<RuntimeFeatures, "sandboxProcess">> {
  const run = promisify(execFile);
  const { stdout } = await run(path, ["-v"], { timeout: 5000 }).catch(() => ({ stdout: "" }));
  const unified = await access("/sys/fs/cgroup/cgroup.controllers").then(
    () => true,
    () => false,
  );
  return {
    name,
    reason: `${name}: configured, under a shim`,
    path,
    version: /Version:\s*(\S+)/.exec(stdout)?.[1] ?? "unknown",
    ociVersion: "unknown",
    cgroupVersion: unified ? 2 : 1,
    cgroupDriver: options.systemdCgroup === true ? "systemd" : "cgroupfs",
    // Not to be asked of a shim: as of runc, which they are made for.
    seccomp: true,
    recursiveReadOnly: false,
    userNamespaces: true,
  };
}
