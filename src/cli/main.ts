import { CliError } from "./cli-error.ts";
import { aliases, commandTable } from "./command-table.ts";
import type { Command } from "./command.ts";
import { parseFlagTable, Flags } from "./flags.ts";
import { nearest, parseArguments } from "./parse-arguments.ts";
import { globalFlags, Session } from "./session.ts";

// Output is written synchronously and connections are done with: nothing is worth waiting for. No top-level await: the
// package carries this as one CommonJS file.
void main(process.argv.slice(2)).then((exitCode) => process.exit(exitCode));

async function main(words: readonly string[]): Promise<number> {
  let name = "ferry";
  try {
    const globals = parseArguments(words, parseFlagTable(globalFlags), {
      interspersed: false,
      helpCommand: "ferry --help",
    });
    if (globals.flags.bool("version")) return await printOwnVersion();
    const found = findCommand(globals.rest);
    if (found === undefined || globals.flags.bool("help")) {
      return await showHelp(globals.rest, globals.flags.bool("help"));
    }
    name = found.name;
    return await runCommand(found, globals.flags);
  } catch (error) {
    const { reportError } = await import("./report-error.ts");
    return reportError(error, name);
  }
}

type Found = {
  readonly name: string;
  readonly typed: string;
  readonly load: () => Promise<Command>;
  readonly rest: readonly string[];
};

/** The command that the first words name, at most three. */
function findCommand(words: readonly string[]): Found | undefined {
  for (const length of [3, 2, 1]) {
    const typed = words.slice(0, length).join(" ");
    const name = aliases[typed] ?? typed;
    const entry = Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
    if (entry !== undefined && words.length >= length) {
      return { name, typed, load: entry.load, rest: words.slice(length) };
    }
  }
  return undefined;
}

async function runCommand({ name, typed, load, rest }: Found, outer: Flags): Promise<number> {
  const command = await load();
  const helpCommand = `ferry ${typed} --help`;
  const own = parseFlagTable(command.flags);
  const general = parseFlagTable(globalFlags).filter(
    (spec) => spec.name !== "version" && !own.some((one) => one.name === spec.name),
  );
  // Behind the command, a short flag is the command's own.
  const specs = [...own, ...general.map((spec) => ({ ...spec, short: undefined }))];
  const parsed = parseArguments(rest, specs, { interspersed: command.stopAtFirstArgument !== true, helpCommand });
  if (parsed.flags.bool("help")) {
    const { printCommandHelp } = await import("./help.ts");
    return printCommandHelp(typed, command);
  }
  checkCount(parsed.rest.length, typed, command);
  const globals = new Flags(
    new Map(general.map(({ name }) => [name, parsed.flags.has(name) ? parsed.flags.list(name) : outer.list(name)])),
  );
  return await command.run(new Session(globals, process.env), { flags: parsed.flags, args: parsed.rest, name });
}

function checkCount(count: number, typed: string, { args, usage, usageExitCode }: Command): void {
  const { min, max = Infinity } = args;
  if (count >= min && count <= max) return;
  const wanted =
    max === 0
      ? "accepts no arguments"
      : min === max
        ? `requires ${min} argument${min === 1 ? "" : "s"}`
        : count < min
          ? `requires at least ${min} argument${min === 1 ? "" : "s"}`
          : `requires at most ${max} argument${max === 1 ? "" : "s"}`;
  throw new CliError(`'ferry ${typed}' ${wanted}`, {
    exitCode: usageExitCode ?? 1,
    next: `usage: ferry ${typed} ${usage}`,
  });
}

async function showHelp(words: readonly string[], asked: boolean): Promise<number> {
  const { printTopHelp, printGroupHelp } = await import("./help.ts");
  const [group = ""] = words;
  const groups = new Set(
    [...Object.keys(commandTable), ...Object.keys(aliases)]
      .filter((key) => key.includes(" "))
      .map((key) => key.split(" ")[0]),
  );
  const isHelp = asked || words.length === 0 || words.at(-1) === "--help" || group === "help";
  if (words.length === 0 || group === "help") return printTopHelp();
  if (groups.has(group) && (words.length === 1 || isHelp)) return printGroupHelp(group);
  const known = [...Object.keys(commandTable), ...Object.keys(aliases), ...groups].filter((key) => key !== undefined);
  const typed = words.slice(0, groups.has(group) ? 2 : 1).join(" ");
  const near = nearest(typed, known);
  throw new CliError(`unknown command: ferry ${typed}`, {
    next: near === undefined ? "see: ferry --help" : `did you mean: ferry ${near}`,
  });
}

async function printOwnVersion(): Promise<number> {
  const { clientVersion } = await import("./client-version.ts");
  const { print } = await import("./output.ts");
  print(`ferry version ${clientVersion()}`);
  return 0;
}
