import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "#base/logger.ts";
import type { Call } from "#core/call.ts";
import { RuntimeByHandler } from "#core/tasks/runtime-by-handler.ts";
import type { Runtime } from "#core/tasks/runtime.ts";
import { openConmonRuntime, type ConmonRuntime } from "#drivers/runtime-conmon/conmon-runtime.ts";
import type { HandlerConfig } from "#drivers/runtime-conmon/open-handlers.ts";
import type { Config } from "./config.ts";
import type { RuntimeHandlerConfig } from "./config-runtimes.ts";

/** Our own monitor's, and shims' beside it when a handler names one or a task of an earlier configuration is left. */
export async function openRuntime(
  call: Call,
  stack: AsyncDisposableStack,
  { config, log }: { config: Config; log: Logger },
): Promise<Runtime> {
  const entries = Object.entries(config.runtimes);
  const shims = entries.filter(([, { runtimeType }]) => runtimeType !== monitorType);
  const monitored = entries.filter(([, { runtimeType }]) => runtimeType === monitorType);
  const defaultHandler = config.runtime.default;
  const isShim = shims.some(([name]) => name === defaultHandler);
  const conmon = stack.use(await openConmon(call, config, { log, monitored, isShim }));
  if (shims.length === 0 && !(await hasShimTasks(config.daemon.state))) return conmon;
  // Loaded only now: a daemon without shims pays nothing for them.
  const { openShimRuntime } = await import("#drivers/runtime-shim/shim-runtime.ts");
  const handlers = Object.fromEntries(shims);
  const runtime = stack.use(
    await openShimRuntime({
      stateDirectory: config.daemon.state,
      log,
      handlers,
      maxLogLineBytes: config.cri.maxContainerLogLineSize,
    }),
  );
  return new RuntimeByHandler([conmon, runtime], isShim ? defaultHandler : undefined);
}

/** `runtime_type` of conmon over the OCI runtime that `options.BinaryName` names. */
const monitorType = "conmon";

async function openConmon(
  call: Call,
  { daemon, runtime }: Config,
  { log, monitored, isShim }: { log: Logger; monitored: [string, RuntimeHandlerConfig][]; isShim: boolean },
): Promise<ConmonRuntime> {
  const systemdCgroup = runtime.cgroupDriver === "systemd";
  const handlers = Object.entries(runtime.handlers).map(([name, path]) => [name, { path, systemdCgroup }] as const);
  const further = monitored.map(([name, handler]) => [name, toHandler(name, handler, systemdCgroup)] as const);
  const isKnown = [...handlers, ...further].some(([name]) => name === runtime.default);
  // `default = "runc"` needs no further word: a program of that name is looked for.
  if (runtime.default !== "" && !isShim && !isKnown) {
    further.push([runtime.default, { path: runtime.default, systemdCgroup }] as const);
  }
  return await openConmonRuntime(call, {
    stateDirectory: daemon.state,
    log,
    systemdCgroup,
    furtherHandlers: Object.fromEntries(further),
    ...(runtime.conmon === "" ? {} : { conmonPath: runtime.conmon }),
    ...(handlers.length === 0 ? {} : { handlers: Object.fromEntries(handlers) }),
    ...(runtime.default === "" || isShim ? {} : { defaultHandler: runtime.default }),
  });
}

function toHandler(name: string, handler: RuntimeHandlerConfig, systemdCgroup: boolean): HandlerConfig {
  const { options, sandboxProcess } = handler;
  const { binaryName = name, root } = options;
  return {
    path: binaryName,
    systemdCgroup: options.systemdCgroup ?? systemdCgroup,
    ...(root !== undefined && { root }),
    ...(sandboxProcess !== undefined && { sandboxProcess }),
  };
}

async function hasShimTasks(state: string): Promise<boolean> {
  return (await readdir(join(state, "shims")).catch(() => [])).length > 0;
}
