/**
 * A daemon in a process of its own that may be told to die at a kill point.
 *
 *   node daemon-process.ts CONFIG.toml
 *
 * Sends `ready` to its parent when it serves; a kill point that comes from there is armed.
 */
import { mkdir, readFile } from "node:fs/promises";
import { openDaemon } from "#daemon/compose.ts";
import { decodeConfig } from "#daemon/config.ts";
import { openLogger } from "#daemon/json-logger.ts";
import { acquireRootLock } from "#daemon/lock.ts";
import { KillSwitch, type KillPoint } from "./kill-point.ts";

const [configPath = ""] = process.argv.slice(2);
const { config } = decodeConfig(await readFile(configPath, "utf8"));
const { promise: asked, resolve } = Promise.withResolvers<void>();
process.once("SIGTERM", () => resolve());
const killSwitch = new KillSwitch();
process.on("message", (point) => {
  killSwitch.arm(point as KillPoint);
  process.send?.("armed");
});
await mkdir(config.daemon.root, { recursive: true });
await using _lock = await acquireRootLock(config.daemon.root);
await using _daemon = await openDaemon({ config, log: openLogger("info"), decorate: killSwitch.decorate });
process.send?.("ready");
await asked;
process.disconnect?.();
