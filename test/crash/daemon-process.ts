/**
 * A daemon in a process of its own that may die at a kill point.
 *
 *   node daemon-process.ts CONFIG.toml [KILL-POINT as JSON]
 *
 * Prints `ready` when it serves.
 */
import { readFile } from "node:fs/promises";
import { openDaemon } from "#daemon/compose.ts";
import { decodeConfig } from "#daemon/config.ts";
import { acquireRootLock } from "#daemon/lock.ts";
import { openLogger } from "#daemon/json-logger.ts";
import { mkdir } from "node:fs/promises";
import { killAt, type KillPoint } from "./kill-point.ts";

const [configPath = "", point] = process.argv.slice(2);
const { config } = decodeConfig(await readFile(configPath, "utf8"));
const log = openLogger("info");
await mkdir(config.daemon.root, { recursive: true });
await mkdir(config.daemon.state, { recursive: true });
await using _lock = await acquireRootLock(config.daemon.root);
const decorate = point === undefined ? {} : { decorate: killAt(JSON.parse(point) as KillPoint) };
await using _daemon = await openDaemon({ config, log, ...decorate });
process.stdout.write("ready\n");
const { promise: asked, resolve } = Promise.withResolvers<void>();
process.once("SIGTERM", () => resolve());
await asked;
