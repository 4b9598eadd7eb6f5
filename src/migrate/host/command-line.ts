import type { HostRoot } from "./host-root.ts";
import { plainPath } from "./plain-path.ts";
import { listSettings, type HostText, type Unit } from "./read-unit.ts";
import type { Source } from "./source.ts";
import { splitWords, type Span } from "./split-words.ts";

/**
 * A place where flags stand: a variable's value in an environment file or a unit, or the words of `ExecStart=`.
 * `start` and `end` span the words in the file's text, without the quotes around them.
 */
export type FlagRegion = Span & {
  readonly path: string;
  /** From 1, of the region's begin. */
  readonly line: number;
  /** `unit-word` is a variable within `Environment=`, whose quotes may have to be added. */
  readonly style: "environment-file" | "unit-word" | "exec-start";
  readonly variable?: string;
};

/** One flag as it is written, in the place where it is. */
export type Flag = Span & {
  /** With dashes between words, as the kubelet reads underscores too. */
  readonly name: string;
  /** Undefined for a flag that stands alone. */
  readonly value: string | undefined;
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly variable?: string;
};

/** What a unit's program is started with. */
export type CommandLine = {
  readonly program: string;
  /** In order of effect: of a flag given twice, the last counts. */
  readonly flags: readonly Flag[];
  /** Every place that is part of the command line, flags or not, in order. */
  readonly regions: readonly FlagRegion[];
  /** Files that hold flags, environment files among them. */
  readonly files: readonly HostText[];
};

/** Puts together the command line of a unit's last `ExecStart=`, variables expanded from where they were set. */
export async function readCommandLine(root: HostRoot, unit: Unit): Promise<CommandLine | undefined> {
  const start = listSettings(unit, "Service", "ExecStart").at(-1);
  if (start === undefined) return undefined;
  const environmentFiles = await readEnvironmentFiles(root, unit);
  const files = [...unit.files, ...environmentFiles];
  const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? "";
  const variables = new Map<string, FlagRegion>();
  for (const region of [...unitVariables(unit, textOf), ...environmentFiles.flatMap(fileVariables)]) {
    if (region.variable !== undefined) variables.set(region.variable, region);
  }
  const text = textOf(start.path);
  const [first, ...words] = splitWords(text, start);
  const own: FlagRegion = {
    path: start.path,
    line: start.line,
    style: "exec-start",
    start: first?.end ?? start.start,
    end: start.end,
  };
  const flags: Flag[] = [];
  const regions: FlagRegion[] = [];
  let plain: Span | undefined;
  const flush = () => {
    if (plain !== undefined) flags.push(...flagsIn(text, { ...own, ...plain }));
    plain = undefined;
  };
  for (const word of words) {
    const name = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$/.exec(word.text)?.[1];
    if (name === undefined) {
      plain = { start: plain?.start ?? word.start, end: word.end };
      continue;
    }
    flush();
    const region = variables.get(name);
    if (region === undefined) continue;
    regions.push(region);
    flags.push(...flagsIn(textOf(region.path), region));
  }
  flush();
  return { program: (first?.text ?? "").replace(/^[-@:+!]+/, ""), flags, regions: [own, ...regions], files };
}

/** The occurrence of a flag that counts: the last. */
export function findFlag(commandLine: CommandLine | undefined, name: string): Flag | undefined {
  return commandLine?.flags.findLast((flag) => flag.name === flagName(name));
}

/** Evidence for a flag. */
export function flagSource(flag: Flag): Source {
  const excerpt = flag.value === undefined ? `--${flag.name}` : `--${flag.name}=${flag.value}`;
  return { t: "file", path: flag.path, line: flag.line, excerpt: excerpt.slice(0, 200) };
}

/** Flags that stand in one region of `text`. */
export function flagsIn(text: string, region: FlagRegion): Flag[] {
  const flags: Flag[] = [];
  const words = splitWords(text, region);
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    const match = /^--([A-Za-z0-9][\w.-]*)(?:=([\s\S]*))?$/.exec(word?.text ?? "");
    if (word === undefined || match === null) continue;
    const next = words[at + 1];
    const takesNext = match[2] === undefined && next !== undefined && !/^[-$]/.test(next.text);
    if (takesNext) at++;
    flags.push({
      name: flagName(match[1] ?? ""),
      value: takesNext ? next.text : match[2],
      start: word.start,
      end: takesNext ? next.end : word.end,
      path: region.path,
      line: lineAt(text, word.start),
      ...(region.variable === undefined ? {} : { variable: region.variable }),
    });
  }
  return flags;
}

/** The kubelet reads `--container_runtime` as `--container-runtime`. */
function flagName(name: string): string {
  return name.replaceAll("_", "-");
}

/** Variables of an environment file, each with the span of its value inside the quotes. */
export function fileVariables({ path, text }: HostText): FlagRegion[] {
  const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=((?:\\\r?\n|[^\n])*)$/gm;
  return [...text.matchAll(assignment)].map((match) => {
    const raw = (match[2] ?? "").replace(/\s+$/, "");
    const start = match.index + match[0].length - (match[2] ?? "").length;
    const quote = /^(["'])([\s\S]*)\1$/.test(raw) ? 1 : 0;
    return {
      path,
      line: lineAt(text, start),
      style: "environment-file",
      variable: match[1] ?? "",
      start: start + quote,
      end: start + raw.length - quote,
    };
  });
}

/** 1 for the first line. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Variables of `Environment="NAME=value"`. */
function unitVariables(unit: Unit, textOf: (path: string) => string): FlagRegion[] {
  return listSettings(unit, "Service", "Environment").flatMap((setting) => {
    const text = textOf(setting.path);
    return splitWords(text, setting).flatMap((word): FlagRegion[] => {
      const raw = text.slice(word.start, word.end);
      const head = /^(["']?)([A-Za-z_][A-Za-z0-9_]*)=(["']?)/.exec(raw);
      if (head === null) return [];
      const quoted = (head[1] ?? "") !== "" || (head[3] ?? "") !== "";
      const start = word.start + head[0].length;
      const end = Math.max(start, word.end - (quoted ? 1 : 0));
      const line = lineAt(text, start);
      return [{ path: setting.path, line, style: "unit-word", variable: head[2] ?? "", start, end }];
    });
  });
}

async function readEnvironmentFiles(root: HostRoot, unit: Unit): Promise<HostText[]> {
  const files: HostText[] = [];
  for (const { value } of listSettings(unit, "Service", "EnvironmentFile")) {
    const path = plainPath(
      value
        .trim()
        .replace(/^-/, "")
        .replace(/^"(.*)"$/, "$1"),
    );
    const text = await root.findText(path);
    if (text !== undefined) files.push({ path, text });
  }
  return files;
}
