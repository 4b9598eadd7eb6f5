import { parse, TomlError } from "smol-toml";
import { EngineError } from "#base/errors.ts";
import { isTable, type Field, type FieldValue, type Section, type SectionValues } from "./config-fields.ts";
import { decodeRuntimes, formatRuntimes, type RuntimeHandlers } from "./config-runtimes.ts";
import { sections } from "./config-sections.ts";

/** Everything the operator can choose, decoded, complete and frozen; one object per `[section]` of the file. */
export type Config = { readonly [K in keyof typeof sections]: SectionValues<(typeof sections)[K]> } & {
  readonly runtimes: RuntimeHandlers;
};

export const configVersion = 1;

/**
 * Reads the text of a configuration file. What it leaves out has its default; a key that is not known is a warning
 * with its path, so that a file for a later Ferry still starts this one.
 *
 * @throws invalidArgument for bad TOML, a value of the wrong type or a version that is not known
 */
export function decodeConfig(source: string): { config: Config; warnings: string[] } {
  const raw = parseToml(source);
  const warnings: string[] = [];
  const version = raw["version"] ?? configVersion;
  if (version !== configVersion) {
    throw new EngineError(
      "invalidArgument",
      `config: version ${JSON.stringify(version)} is not known, only ${configVersion}`,
    );
  }
  for (const key of Object.keys(raw)) {
    if (key !== "version" && key !== "runtimes" && !Object.hasOwn(sections, key))
      warnings.push(`config: ${key}: not known`);
  }
  const decode = <K extends keyof typeof sections>(name: K) =>
    decodeSection(name, sections[name], raw[name] ?? {}, warnings);
  const config: Config = {
    daemon: decode("daemon"),
    docker: decode("docker"),
    cri: decode("cri"),
    images: decode("images"),
    snapshots: decode("snapshots"),
    runtime: decode("runtime"),
    runtimes: decodeRuntimes(raw["runtimes"] ?? {}, warnings),
    network: decode("network"),
    log: decode("log"),
  };
  return { config: Object.freeze(config), warnings };
}

/** `config` as a file that decodes to it; with `docs` each key has its meaning above it. */
export function formatConfig(config: Config, docs: boolean): string {
  const parts = [`version = ${configVersion}\n`];
  for (const [name, section] of Object.entries<Section>(sections)) {
    const values: Readonly<Record<string, FieldValue>> = config[name as keyof typeof sections];
    parts.push(`\n[${name}]\n`);
    for (const [key, field] of Object.entries(section)) {
      if (docs) parts.push(`# ${field.doc}\n`);
      parts.push(`${snakeCase(key)} = ${formatValue(values[key] ?? field.default)}\n`);
    }
  }
  return parts.join("") + formatRuntimes(config.runtimes, docs);
}

function parseToml(source: string): Readonly<Record<string, unknown>> {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its message goes on with a picture of the place.
    const [why = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new EngineError("invalidArgument", `config: line ${error.line}, column ${error.column}: ${why}`, {
      cause: error,
    });
  }
}

function decodeSection<S extends Section>(
  name: string,
  section: S,
  raw: unknown,
  warnings: string[],
): SectionValues<S> {
  if (!isTable(raw)) throw new EngineError("invalidArgument", `config: ${name}: must be a table`);
  const byKey = new Map(Object.keys(section).map((key) => [snakeCase(key), key]));
  for (const key of Object.keys(raw)) if (!byKey.has(key)) warnings.push(`config: ${name}.${key}: not known`);
  const values = [...byKey].map(([key, property]) => {
    const field: Field | undefined = section[property];
    const value = raw[key] ?? field?.default;
    // The parser's tables have no prototype; ours are plain.
    if (field?.accepts(value) === true) return [property, isTable(value) ? { ...value } : value];
    throw new EngineError("invalidArgument", `config: ${name}.${key}: must be ${field?.expected}`);
  });
  return Object.freeze(Object.fromEntries(values)) as SectionValues<S>;
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function formatValue(value: FieldValue): string {
  if (!isTable(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)} = ${JSON.stringify(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
