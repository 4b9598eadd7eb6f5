import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RuntimeFeatures } from "#core/tasks/runtime.ts";
import { chooseRuntime, findInPath, readFeatures } from "./probe-runtime.ts";
import type { RuntimeBinary } from "./runtime-binary.ts";

/** How a runtime is called. Left out: state below the state directory, cgroupfs, no options. */
export type HandlerConfig = {
  readonly path: string;
  readonly root?: string;
  readonly systemdCgroup?: boolean;
  readonly options?: readonly string[];
  /** See `RuntimeFeatures`. Default: none. */
  readonly sandboxProcess?: boolean;
};

/** Which runtimes there are to be. */
export type HandlerOptions = {
  readonly stateDirectory: string;
  /** By name. Empty or left out: crun or runc, whichever works, under its own name. */
  readonly handlers?: Readonly<Record<string, HandlerConfig>>;
  /** Beside those, or beside the one that was found. */
  readonly furtherHandlers?: Readonly<Record<string, HandlerConfig>>;
  /** For a runtime that was found, not configured. */
  readonly systemdCgroup?: boolean;
};

export type Handler = { readonly binary: RuntimeBinary; readonly features: RuntimeFeatures };

/**
 * Finds what `options` names, or a runtime that works here; in their order, by name.
 *
 * @throws failedPrecondition when one is not installed, or every known one refuses
 */
export async function openHandlers(call: Call, options: HandlerOptions): Promise<Map<string, Handler>> {
  const configured = Object.entries(options.handlers ?? {});
  const handlers = new Map<string, Handler>();
  const add = async (name: string, config: HandlerConfig, reason: string) => {
    const path = await findInPath(config.path);
    if (path === undefined)
      throw new EngineError("failedPrecondition", `runtime ${name}: ${config.path} is not installed`);
    const root = config.root ?? join(options.stateDirectory, "runtimes", name);
    const binary = { name, path, root, systemdCgroup: config.systemdCgroup ?? false, options: config.options ?? [] };
    const { sandboxProcess = false } = config;
    handlers.set(name, { binary, features: { ...(await readFeatures(binary, reason)), sandboxProcess } });
  };
  for (const [name, config] of configured) await add(name, config, `${name}: configured`);
  if (configured.length === 0) {
    const found = await chooseRuntime(call, options.stateDirectory);
    const name = found.path.slice(found.path.lastIndexOf("/") + 1);
    await add(name, { path: found.path, systemdCgroup: options.systemdCgroup ?? false }, found.reason);
  }
  for (const [name, config] of Object.entries(options.furtherHandlers ?? {}))
    await add(name, config, `${name}: configured`);
  return handlers;
}
