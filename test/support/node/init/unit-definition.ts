import { HostRoot } from "#migrate/host/host-root.ts";
import { listSettings, readUnit, unitDirectories, type Unit } from "#migrate/host/read-unit.ts";
import { splitWords } from "#migrate/host/split-words.ts";
import { fileVariables } from "#migrate/host/command-line.ts";

/** What the init needs of a unit, as its files said when they were last read. */
export type UnitDefinition = {
  readonly name: string;
  readonly fragmentPath: string;
  readonly texts: readonly { readonly path: string; readonly text: string }[];
  readonly requires: readonly string[];
  readonly wants: readonly string[];
  readonly partOf: readonly string[];
  readonly type: string;
  readonly execStartPre: readonly string[];
  readonly execStart: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A file that is missing, without a leading dash. */
  readonly missingFile: string | undefined;
  readonly restart: string;
  readonly restartMs: number;
  readonly killMode: string;
  readonly listenStream: string;
  /** Unit that a socket starts. */
  readonly service: string;
  readonly wantedBy: readonly string[];
  readonly also: readonly string[];
  readonly alias: readonly string[];
};

const root = new HostRoot("/");

/** Reads a unit and its drop-ins; undefined when there is no file of it. */
export async function loadUnit(name: string): Promise<UnitDefinition | undefined> {
  const unit = await readUnit(root, name);
  const own = unit?.files[0];
  if (unit === undefined || own === undefined || !unitDirectories.some((one) => own.path === `${one}/${name}`)) {
    return undefined;
  }
  const list = (section: string, key: string) =>
    listSettings(unit, section, key).flatMap(({ value }) => value.split(/\s+/).filter(Boolean));
  const last = (section: string, key: string, otherwise: string) =>
    listSettings(unit, section, key).at(-1)?.value.trim() ?? otherwise;
  const { environment, missingFile } = await readEnvironment(unit);
  return {
    name,
    fragmentPath: own.path,
    texts: unit.files,
    requires: [...list("Unit", "Requires"), ...list("Unit", "BindsTo")],
    wants: list("Unit", "Wants"),
    partOf: list("Unit", "PartOf"),
    type: last("Service", "Type", "simple"),
    execStartPre: listSettings(unit, "Service", "ExecStartPre").map(({ value }) => value),
    execStart: last("Service", "ExecStart", ""),
    environment,
    missingFile,
    restart: last("Service", "Restart", "no"),
    restartMs: Number.parseFloat(last("Service", "RestartSec", "0.1")) * 1000,
    killMode: last("Service", "KillMode", "control-group"),
    listenStream: last("Socket", "ListenStream", "").replace("%t", "/run"),
    service: last("Socket", "Service", name.replace(/\.socket$/, ".service")),
    wantedBy: list("Install", "WantedBy"),
    also: list("Install", "Also"),
    alias: list("Install", "Alias"),
  };
}

/** A command line as systemd starts it: `$NAME` alone is split into words, `${NAME}` is one. */
export function expandCommand(line: string, environment: Readonly<Record<string, string>>): string[] {
  return wordsOf(line).flatMap((word) => {
    const alone = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
    if (alone !== undefined) return wordsOf(environment[alone] ?? "");
    return [word.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => environment[name] ?? "")];
  });
}

function wordsOf(text: string): string[] {
  return splitWords(text, { start: 0, end: text.length }).map((word) => word.text);
}

async function readEnvironment(unit: Unit) {
  const environment: Record<string, string> = {};
  let missingFile: string | undefined;
  for (const { value } of listSettings(unit, "Service", "Environment")) {
    for (const word of wordsOf(value)) environment[word.split("=")[0] ?? ""] = word.slice(word.indexOf("=") + 1);
  }
  for (const { value } of listSettings(unit, "Service", "EnvironmentFile")) {
    const path = value.trim().replace(/^-/, "");
    const text = await root.findText(path);
    if (text === undefined && !value.trim().startsWith("-")) missingFile = path;
    for (const region of fileVariables({ path, text: text ?? "" })) {
      environment[region.variable ?? ""] = (text ?? "").slice(region.start, region.end);
    }
  }
  return { environment, missingFile };
}
