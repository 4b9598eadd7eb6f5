import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { Arguments } from "./arguments.ts";
import { decodeConfig, type Config } from "./config.ts";

const defaultPath = "/etc/ferry/config.toml";

/**
 * The configuration that is in force: the file (when it was named, it must be there), then the command line.
 *
 * With another `--state` and no socket in the file, the Docker socket moves along: two daemons never share one.
 */
export async function loadConfig(given: Arguments): Promise<{ config: Config; warnings: string[] }> {
  const { config, warnings } = decodeFile(given.configPath ?? defaultPath, await readConfig(given.configPath));
  const { config: defaults } = decodeConfig("");
  const daemon = Object.freeze({
    root: given.root ?? config.daemon.root,
    state: given.state ?? config.daemon.state,
    logLevel: given.logLevel ?? config.daemon.logLevel,
  });
  const moved = daemon.state !== defaults.daemon.state && config.docker.socket === defaults.docker.socket;
  const docker = moved ? Object.freeze({ ...config.docker, socket: join(daemon.state, "docker.sock") }) : config.docker;
  return { config: Object.freeze({ ...config, daemon, docker }), warnings };
}

/** @throws invalidArgument that names the file */
function decodeFile(path: string, source: string): ReturnType<typeof decodeConfig> {
  try {
    return decodeConfig(source);
  } catch (error) {
    throw new EngineError("invalidArgument", messageOf(error).replace(/^config\b/, `config ${path}`), { cause: error });
  }
}

async function readConfig(path: string | undefined): Promise<string> {
  try {
    return await readFile(path ?? defaultPath, "utf8");
  } catch (error) {
    if (path === undefined && errnoOf(error) === "ENOENT") return "";
    throw new EngineError("invalidArgument", `config ${path ?? defaultPath}: cannot be read`, { cause: error });
  }
}
