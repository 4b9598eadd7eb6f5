import { lookUp } from "#base/look-up.ts";
import { CliError } from "./cli-error.ts";

export type FlagSpec = {
  readonly name: string;
  readonly short: string | undefined;
  /** Placeholder of the value as help shows it; undefined takes no value. `list` may be given several times. */
  readonly value: string | undefined;
  readonly help: string;
};

const flagLine = /^(?:-(\w), )?\s*--([\w-]+)(?: ([\w-]+))?(?:\s{2,}(.*))?$/;

/** Reads a table of flags as help prints it: `-a, --all  Show all`, `--name string  A name`. */
export function parseFlagTable(table: string): FlagSpec[] {
  const specs: FlagSpec[] = [];
  for (const line of table.split("\n")) {
    if (line.trim() === "") continue;
    const match = flagLine.exec(line.trim());
    if (match === null) throw new Error(`flag table: cannot read ${line}`);
    specs.push({ short: match[1], name: match[2] ?? "", value: match[3], help: match[4] ?? "" });
  }
  return specs;
}

/** Values of the flags that were given; each getter answers the default when its flag was not. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  bool(name: string, fallback = false): boolean {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = lookUp(booleans, text);
    if (value === undefined) throw invalid(name, text, "not true or false");
    return value;
  }

  /** The last one given. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A whole number. @throws CliError for anything else */
  int(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^[+-]?\d+$/.test(text)) throw invalid(name, text, "not a whole number");
    return Number(text);
  }

  /** Runs `parse` over the value and names the flag when it throws. */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseNamed(name, text, parse);
  }

  parsedList<T>(name: string, parse: (text: string) => T): T[] {
    return this.list(name).map((text) => parseNamed(name, text, parse));
  }
}

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  "1": true,
  TRUE: true,
  True: true,
  false: false,
  f: false,
  "0": false,
  FALSE: false,
  False: false,
};

function parseNamed<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw invalid(name, text, error instanceof Error ? error.message : String(error));
  }
}

function invalid(name: string, text: string, why: string): CliError {
  return new CliError(`invalid argument ${JSON.stringify(text)} for --${name}: ${why}`, { exitCode: 125 });
}
