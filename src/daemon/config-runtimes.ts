import { EngineError } from "#base/errors.ts";
import { isTable } from "./config-fields.ts";

/** One `[runtimes.<name>]`, with containerd's names. */
export type RuntimeHandlerConfig = {
  /** `conmon` for our own monitor over an OCI runtime, else a shim's type: `io.containerd.runc.v2`. */
  readonly runtimeType: string;
  /** Path of the shim; left out: found by its type. */
  readonly runtimePath?: string;
  /** Pods of this handler have a sandbox process; left out: those of shims other than runc's have. */
  readonly sandboxProcess?: boolean;
  readonly options: {
    /** Name or path of the OCI runtime. */
    readonly binaryName?: string;
    readonly root?: string;
    readonly systemdCgroup?: boolean;
  };
};

export type RuntimeHandlers = Readonly<Record<string, RuntimeHandlerConfig>>;

const texts = { runtime_path: "runtimePath" } as const;
const optionTexts = { BinaryName: "binaryName", Root: "root" } as const;

/** @throws invalidArgument for a value of the wrong type; a key that is not known is a warning */
export function decodeRuntimes(raw: unknown, warnings: string[]): RuntimeHandlers {
  const runtimes = tableAt("runtimes", raw);
  const entries = Object.entries(runtimes).map(
    ([name, value]) => [name, decodeRuntime(`runtimes.${name}`, value, warnings)] as const,
  );
  return Object.freeze(Object.fromEntries(entries));
}

/** As TOML that decodes to it. */
export function formatRuntimes(runtimes: RuntimeHandlers, docs: boolean): string {
  const doc = '# [runtimes.kata]\n# runtime_type = "io.containerd.kata.v2"\n';
  const parts = Object.entries(runtimes).map(([name, { runtimeType, runtimePath, sandboxProcess, options }]) => {
    const lines = [`[runtimes.${JSON.stringify(name)}]`, `runtime_type = ${JSON.stringify(runtimeType)}`];
    if (runtimePath !== undefined) lines.push(`runtime_path = ${JSON.stringify(runtimePath)}`);
    if (sandboxProcess !== undefined) lines.push(`sandbox_process = ${sandboxProcess}`);
    const { binaryName, root, systemdCgroup } = options;
    const values = { BinaryName: binaryName, Root: root, SystemdCgroup: systemdCgroup };
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    if (given.length > 0) lines.push(`[runtimes.${JSON.stringify(name)}.options]`);
    for (const [key, value] of given) lines.push(`${key} = ${JSON.stringify(value)}`);
    return `\n${lines.join("\n")}\n`;
  });
  const help = docs
    ? `\n# Further handlers, by containerd's names; runtime_type "conmon" takes any OCI runtime.\n${doc}`
    : "";
  return help + parts.join("");
}

function decodeRuntime(path: string, raw: unknown, warnings: string[]): RuntimeHandlerConfig {
  const table = tableAt(path, raw);
  const options = tableAt(`${path}.options`, table["options"] ?? {});
  warnUnknown(path, table, ["runtime_type", "sandbox_process", "options", ...Object.keys(texts)], warnings);
  warnUnknown(`${path}.options`, options, [...Object.keys(optionTexts), "SystemdCgroup"], warnings);
  const runtimeType = table["runtime_type"];
  if (typeof runtimeType !== "string" || runtimeType === "") throw wrong(`${path}.runtime_type`, "a string");
  const systemdCgroup = flagOf(`${path}.options`, options, "SystemdCgroup");
  const sandboxProcess = flagOf(path, table, "sandbox_process");
  return {
    runtimeType,
    ...stringsOf(path, table, texts),
    ...(sandboxProcess !== undefined && { sandboxProcess }),
    options: {
      ...stringsOf(`${path}.options`, options, optionTexts),
      ...(systemdCgroup !== undefined && { systemdCgroup }),
    },
  };
}

/** An empty string counts as left out, as containerd's defaults are written. */
function stringsOf<P extends string>(
  path: string,
  table: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, P>>,
): { [K in P]?: string } {
  const found: { [K in P]?: string } = {};
  for (const [key, property] of Object.entries(names)) {
    const value = table[key];
    if (value !== undefined && typeof value !== "string") throw wrong(`${path}.${key}`, "a string");
    if (value !== undefined && value !== "") found[property] = value;
  }
  return found;
}

function flagOf(path: string, table: Readonly<Record<string, unknown>>, key: string): boolean | undefined {
  const value = table[key];
  if (value === undefined || typeof value === "boolean") return value;
  throw wrong(`${path}.${key}`, "true or false");
}

function warnUnknown(path: string, table: object, known: readonly string[], warnings: string[]): void {
  for (const key of Object.keys(table)) if (!known.includes(key)) warnings.push(`config: ${path}.${key}: not known`);
}

function tableAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isTable(value)) return value;
  throw new EngineError("invalidArgument", `config: ${path}: must be a table`);
}

function wrong(path: string, expected: string): EngineError {
  return new EngineError("invalidArgument", `config: ${path}: must be ${expected}`);
}
