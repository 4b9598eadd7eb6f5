import { CliError } from "./cli-error.ts";
import { Flags, type FlagSpec } from "./flags.ts";

export type ParsedArguments = { readonly flags: Flags; readonly rest: readonly string[] };

export type ParseOptions = {
  /** False ends the flags at the first argument that is none, so that those after it belong to somebody else. */
  readonly interspersed: boolean;
  /** What to type for help, named in an error. */
  readonly helpCommand: string;
};

/**
 * Reads a command line as Docker's (pflag) does: `--name v`, `--name=v`, `-it`, `-p80:80`, `-p=80:80`, `--all=false`, `--`.
 *
 * @throws CliError for an unknown flag, with the nearest known one, and for a missing value
 */
export function parseArguments(
  words: readonly string[],
  specs: readonly FlagSpec[],
  options: ParseOptions,
): ParsedArguments {
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  const add = (spec: FlagSpec, value: string) => {
    const list = values.get(spec.name);
    if (list === undefined) values.set(spec.name, [value]);
    else list.push(value);
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      rest.push(...words.slice(at + 1));
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      if (!options.interspersed) {
        rest.push(...words.slice(at));
        break;
      }
      rest.push(word);
      continue;
    }
    for (const { spec, value } of readWord(word, specs, options)) {
      if (value !== undefined) add(spec, value);
      else if (spec.value === undefined) add(spec, "true");
      else if (at + 1 < words.length) add(spec, words[++at] ?? "");
      else throw new CliError(`flag needs an argument: ${word}`, failure(options));
    }
  }
  return { flags: new Flags(values), rest };
}

type Occurrence = { spec: FlagSpec; value: string | undefined };

function readWord(word: string, specs: readonly FlagSpec[], options: ParseOptions): Occurrence[] {
  return word.startsWith("--") ? [readLong(word, specs, options)] : readShorts(word, specs, options);
}

function readLong(word: string, specs: readonly FlagSpec[], options: ParseOptions): Occurrence {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const spec = specs.find((one) => one.name === name);
  if (spec === undefined) throw unknownFlag(`--${name}`, name, specs, options);
  return { spec, value: equals < 0 ? undefined : word.slice(equals + 1) };
}

function readShorts(word: string, specs: readonly FlagSpec[], options: ParseOptions): Occurrence[] {
  const found: Occurrence[] = [];
  for (let at = 1; at < word.length; at++) {
    const spec = specs.find((one) => one.short === word[at]);
    if (spec === undefined) throw unknownFlag(`-${word[at] ?? ""}`, word.slice(1), specs, options);
    const rest = word.slice(at + 1);
    if (rest.startsWith("=")) return [...found, { spec, value: rest.slice(1) }];
    if (spec.value !== undefined) return [...found, { spec, value: rest === "" ? undefined : rest }];
    found.push({ spec, value: undefined });
  }
  return found;
}

function unknownFlag(shown: string, name: string, specs: readonly FlagSpec[], options: ParseOptions): CliError {
  const near = nearest(
    name,
    specs.map((spec) => spec.name),
  );
  const guess = near === undefined ? "" : `; did you mean --${near}?`;
  return new CliError(`unknown flag: ${shown}${guess}`, failure(options));
}

function failure(options: ParseOptions): { exitCode: number; next: string } {
  return { exitCode: 125, next: options.helpCommand };
}

/** The one of `candidates` that `word` was probably meant to be; undefined when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance =
      word.length >= 3 && candidate.startsWith(word) ? 1 : editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, cell(i - 2, j - 2) + 1);
      row.push(least);
    }
  }
  return cell(a.length, b.length);
}
