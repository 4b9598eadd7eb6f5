import { redact } from "#base/errors.ts";
import { fileVariables, lineAt, type CommandLine } from "../host/command-line.ts";
import { listSettings, type Unit } from "../host/read-unit.ts";
import type { Fact } from "../host/source.ts";
import { splitWords } from "../host/split-words.ts";
import { decodeDockerdFlags, type DockerdFlags, type PlacedWord } from "./dockerd-flags.ts";

/** What systemd tells dockerd. */
export type DockerUnit = {
  readonly flags: DockerdFlags;
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, by the name in capitals. */
  readonly proxies: Readonly<Record<string, Fact<string>>>;
  /** `LimitNOFILE` and its like, where the administrator set them: the vendor's own are the vendor's. */
  readonly limits: Readonly<Record<string, Fact<string>>>;
};

/** Reads `docker.service`; without it nothing is said. */
export function decodeDockerUnit(unit: Unit | undefined, commandLine: CommandLine | undefined): DockerUnit {
  const environment = unit === undefined ? new Map<string, Fact<string>>() : readEnvironment(unit, commandLine);
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => {
    const found = environment.get(name) ?? environment.get(name.toLowerCase());
    return found === undefined || found.value === "" ? [] : [[name, found] as const];
  });
  return {
    flags: decodeDockerdFlags(commandLine === undefined ? [] : wordsOf(commandLine)),
    proxies: Object.fromEntries(proxies),
    limits: Object.fromEntries(unit === undefined ? [] : readLimits(unit)),
  };
}

/** Words of the command line with their places, variables excepted: what those stand for comes by itself. */
function wordsOf({ regions, files }: CommandLine): PlacedWord[] {
  return regions.flatMap((region) => {
    const text = files.find(({ path }) => path === region.path)?.text ?? "";
    return splitWords(text, region)
      .filter((word) => !word.text.startsWith("$"))
      .map((word) => ({ text: word.text, path: region.path, line: lineAt(text, word.start) }));
  });
}

/** Files count more than `Environment=`. Source: systemd.exec(5). */
function readEnvironment(unit: Unit, commandLine: CommandLine | undefined): Map<string, Fact<string>> {
  const environment = new Map<string, Fact<string>>();
  for (const { path, line, value: words } of listSettings(unit, "Service", "Environment")) {
    for (const { text } of splitWords(words, { start: 0, end: words.length })) {
      const [name = "", ...rest] = text.split("=");
      // A percent sign is written twice in a unit.
      const value = rest.join("=").replaceAll("%%", "%");
      environment.set(name, { value, source: { t: "file", path, line, excerpt: excerptOf(text) } });
    }
  }
  for (const file of commandLine?.files ?? []) {
    if (unit.files.some(({ path }) => path === file.path)) continue;
    for (const { path, line, variable = "", start, end } of fileVariables(file)) {
      const value = file.text.slice(start, end);
      const excerpt = excerptOf(`${variable}=${value}`);
      environment.set(variable, { value, source: { t: "file", path, line, excerpt } });
    }
  }
  return environment;
}

function readLimits(unit: Unit): [string, Fact<string>][] {
  return unit.settings.flatMap(({ section, key, value, path, line }) => {
    if (section !== "Service" || !/^Limit[A-Z]+$/.test(key) || !path.startsWith("/etc/")) return [];
    return [[key, { value, source: { t: "file", path, line, excerpt: excerptOf(`${key}=${value}`) } }]];
  });
}

function excerptOf(text: string): string {
  return redact(text).slice(0, 200);
}
