import { mkdir } from "node:fs/promises";
import { messageOf } from "#base/errors.ts";
import { parseArguments, usage, type Arguments } from "./arguments.ts";
import { decodeConfig, formatConfig, type Config } from "./config.ts";
import { loadConfig } from "./load-config.ts";
import { readVersion } from "./version.ts";

try {
  await main(parseArguments(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`ferryd: ${messageOf(error).replace(/^ferryd:? /, "")}\n`);
  process.exitCode = 1;
}

async function main(given: Arguments): Promise<void> {
  switch (given.command) {
    case "help":
      process.stdout.write(usage);
      return;
    case "version":
      process.stdout.write(`ferryd ${readVersion()}\n`);
      return;
    case "config default":
      process.stdout.write(formatConfig(decodeConfig("").config, true));
      return;
    case "config effective":
      process.stdout.write(formatConfig((await loadConfig(given)).config, false));
      return;
    case "config check": {
      const { warnings } = await loadConfig(given);
      for (const warning of warnings) process.stderr.write(`ferryd: ${warning}\n`);
      process.exitCode = warnings.length === 0 ? 0 : 1;
      return;
    }
    case "config migrate": {
      const { migrateConfig } = await import("./migrate-config.ts");
      process.exitCode = await migrateConfig(given.file ?? "", given.format);
      return;
    }
    case "run": {
      const { config, warnings } = await loadConfig(given);
      await runDaemon(config, warnings);
    }
  }
}

/** Runs until SIGTERM or SIGINT, then closes everything in reverse; containers run on under their monitors. */
async function runDaemon(config: Config, warnings: readonly string[]): Promise<void> {
  // Loaded here, so that `config` and `--version` answer at once.
  const [{ openLogger }, { acquireRootLock }, { notifySystemd }, { openDaemon }] = await Promise.all([
    import("./json-logger.ts"),
    import("./lock.ts"),
    import("./notify.ts"),
    import("./compose.ts"),
  ]);
  const log = openLogger(config.daemon.logLevel);
  for (const warning of warnings) log.warn({}, warning);
  const asked = stopSignal();
  const { root } = config.daemon;
  const startedAt = performance.now();
  await using held = new AsyncDisposableStack();
  await mkdir(root, { recursive: true, mode: 0o710 });
  held.use(await acquireRootLock(root));
  held.use(await openDaemon({ config, log }));
  log.info({ pid: process.pid, version: readVersion(), root, durationMs: since(startedAt) }, "ready");
  notifySystemd(process.env["NOTIFY_SOCKET"], "READY=1");
  const signal = await asked;
  notifySystemd(process.env["NOTIFY_SOCKET"], "STOPPING=1");
  log.info({ signal }, "stopping");
  const stoppingAt = performance.now();
  await held.disposeAsync();
  log.info({ durationMs: since(stoppingAt) }, "stopped");
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

function stopSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  process.once("SIGTERM", resolve);
  process.once("SIGINT", resolve);
  // A terminal that closes must not end the daemon; there is nothing to read again.
  process.on("SIGHUP", () => {});
  return promise;
}
