import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, type ErrorKind } from "#base/errors.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";
import { runProcess } from "#base/processes/run-process.ts";
import type { Call } from "#core/call.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK";

export type CniPlugin = {
  readonly type: string;
  /** Of its binary. */
  readonly path: Promise<string>;
  readonly config: JsonObject;
  readonly containerId: string;
  readonly linuxNamespacePath: string;
  readonly interfaceName: string;
  readonly args?: Readonly<Record<string, string>>;
};

/** Where plugins look for iptables and the like. */
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Codes a plugin may answer with. Source: CNI SPEC 1.0.0 section "Error". */
const kindOfCode: Readonly<Record<number, ErrorKind>> = {
  1: "failedPrecondition",
  2: "invalidArgument",
  3: "notFound",
  4: "invalidArgument",
  6: "internal",
  7: "invalidArgument",
  11: "unavailable",
};

/**
 * Runs one plugin once: environment and standard input as specified, answer decoded. Abort and timeout kill it. `path` is
 * what {@link findPlugin} answers.
 *
 * @returns the result, or undefined when the plugin printed none
 */
export async function execPlugin(
  call: Call,
  options: { binDirectories: readonly string[]; timeoutMs: number },
  command: CniCommand,
  plugin: CniPlugin,
): Promise<JsonObject | undefined> {
  const path = await plugin.path;
  const limit = AbortSignal.timeout(options.timeoutMs);
  const { code, signal, stdout, stderr } = await runProcess({
    path,
    args: [],
    env: environment(options.binDirectories, command, plugin),
    input: JSON.stringify(plugin.config),
    signal: AbortSignal.any([call.signal, limit]),
  });
  if (code === 0) return stdout.trim() === "" ? undefined : parseObject(stdout, plugin.type);
  if (signal !== 0) call.signal.throwIfAborted();
  if (signal !== 0 && limit.aborted) throw tooSlow(plugin, command, options.timeoutMs);
  const what = `network ${textOf(plugin.config["name"])}: plugin ${plugin.type} ${command}`;
  throw pluginError(what, signal === 0 ? `exit code ${code}` : "killed", { stdout, stderr });
}

function tooSlow({ type }: CniPlugin, command: CniCommand, timeoutMs: number): EngineError {
  return new EngineError("deadlineExceeded", `network plugin ${type}: no answer to ${command} in ${timeoutMs} ms`);
}

/** In the first directory that has it. @throws notFound when none does @throws invalidArgument for a path */
export async function findPlugin(directories: readonly string[], type: string): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(type)) {
    throw new EngineError("invalidArgument", `network plugin ${JSON.stringify(type)}: not a plain file name`);
  }
  const paths = directories.map((directory) => join(directory, type));
  const found = await Promise.all(paths.map(isExecutable));
  const path = paths.find((_, at) => found[at]);
  if (path !== undefined) return path;
  throw new EngineError("notFound", `network plugin ${type}: not in ${directories.join(", ")}`);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function environment(directories: readonly string[], command: CniCommand, plugin: CniPlugin): Record<string, string> {
  const args = Object.entries(plugin.args ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    PATH: searchPath,
    CNI_COMMAND: command,
    CNI_CONTAINERID: plugin.containerId,
    CNI_NETNS: plugin.linuxNamespacePath,
    CNI_IFNAME: plugin.interfaceName,
    CNI_ARGS: args.join(";"),
    CNI_PATH: directories.join(":"),
  };
}

function parseObject(json: string, type: string): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(json) as JsonValue;
  } catch (error) {
    throw new EngineError("internal", `network plugin ${type}: answer is not JSON`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new EngineError("internal", `network plugin ${type}: answer is not a JSON object`);
}

function pluginError(what: string, end: string, { stdout, stderr }: { stdout: string; stderr: string }): EngineError {
  let answer: JsonObject;
  try {
    answer = parseObject(stdout, "");
  } catch {
    const output = (stderr.trim() || stdout.trim()).slice(0, 1000);
    return new EngineError("internal", `${what}: ${end}: ${output}`);
  }
  const facts = [textOf(answer["msg"]), textOf(answer["details"])].filter((fact) => fact !== "").join(": ");
  return new EngineError(kindOfCode[Number(answer["code"])] ?? "internal", `${what}: ${facts}`);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
