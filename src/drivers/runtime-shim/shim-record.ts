import { readFile } from "node:fs/promises";
import { messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Logger } from "#base/logger.ts";
import type { TaskExit, TaskSpec } from "#core/tasks/runtime.ts";
import type { ShimOptions } from "./task-client.ts";

/** What must be known of a task after a restart of the daemon, also when the configuration has changed since. */
export type ShimRecord = {
  readonly version: 1;
  /** The shim's program. */
  readonly path: string;
  readonly options: ShimOptions;
  readonly stdin: TaskSpec["stdin"];
  readonly tty: boolean;
  readonly logPath?: string;
  readonly logMaxBytes?: number;
  readonly logMaxFiles?: number;
};

export function toShimRecord(spec: TaskSpec, path: string, options: ShimOptions): ShimRecord {
  const { stdin, logPath, logMaxBytes, logMaxFiles } = spec;
  return {
    version: 1,
    path,
    options,
    stdin,
    tty: spec.spec.process.terminal ?? false,
    ...(logPath !== undefined && { logPath }),
    ...(logMaxBytes !== undefined && { logMaxBytes }),
    ...(logMaxFiles !== undefined && { logMaxFiles }),
  };
}

/** Undefined when it was not written to its end. */
export async function readRecord(file: string, log: Logger): Promise<ShimRecord | undefined> {
  const json = await readJson(file);
  if (json === undefined) return undefined;
  try {
    return decodeRecord(json);
  } catch (error) {
    log.warn({ path: file }, messageOf(error));
    return undefined;
  }
}

export async function readExit(file: string): Promise<TaskExit | undefined> {
  const json = await readJson(file);
  if (json === undefined) return undefined;
  const error = json.at("error").optionalString();
  return {
    exitCode: json.at("exitCode").size(),
    exitedAtNs: BigInt(json.at("exitedAtNs").string()),
    oomKilled: json.at("oomKilled").boolean(),
    ...(error !== undefined && { error }),
  };
}

export function formatExit(exit: TaskExit): string {
  return JSON.stringify({ ...exit, exitedAtNs: String(exit.exitedAtNs) });
}

/** The pid that `created.json` holds. */
export async function readPid(file: string): Promise<number | undefined> {
  return (await readJson(file))?.at("pid").size();
}

async function readJson(file: string): Promise<JsonReader | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  try {
    return bytes === undefined ? undefined : JsonReader.parse(bytes, file, 1_000_000);
  } catch {
    return undefined;
  }
}

function decodeRecord(json: JsonReader): ShimRecord {
  const options = json.at("options");
  const [binaryName, root] = [options.at("binaryName").optionalString(), options.at("root").optionalString()];
  const logPath = json.at("logPath").optionalString();
  const [logMaxBytes, logMaxFiles] = [json.at("logMaxBytes").optionalNumber(), json.at("logMaxFiles").optionalNumber()];
  const stdin = json.at("stdin").string();
  const systemdCgroup = options.at("systemdCgroup");
  if (json.at("version").size() !== 1) json.at("version").fail("is not known");
  return {
    version: 1,
    path: json.at("path").string(),
    options: {
      ...(binaryName !== undefined && { binaryName }),
      ...(root !== undefined && { root }),
      ...(systemdCgroup.isPresent && { systemdCgroup: systemdCgroup.boolean() }),
    },
    stdin: stdin === "open" || stdin === "once" ? stdin : "none",
    tty: json.at("tty").boolean(),
    ...(logPath !== undefined && { logPath }),
    ...(logMaxBytes !== undefined && { logMaxBytes }),
    ...(logMaxFiles !== undefined && { logMaxFiles }),
  };
}
