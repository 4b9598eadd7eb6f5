import type { DockerCommand, UsedFlag } from "../docker-command.ts";
import type { Translation } from "./tool.ts";

/** What becomes of one flag: another flag (with the value behind a space when it has one), words of its own, or a loss. */
export type FlagRule = string | ((flag: UsedFlag) => { readonly words?: readonly string[]; readonly note?: string });

/** One docker command in a tool's own words. */
export type MappedCommand = {
  /** Undefined: there is nothing like it. */
  readonly words?: string;
  /** By docker's long name. A flag that is not here is lost, and a note says so. */
  readonly flags?: Readonly<Record<string, FlagRule>>;
  /** Flags that change nothing for this tool. */
  readonly without?: readonly string[];
  /** Words for the arguments; as typed when undefined. */
  readonly args?: (command: DockerCommand) => readonly string[];
  readonly notes?: readonly string[];
};

/** A flag whose name is the same, or is given, in words of the tool. */
export function mapWords(program: string, rule: MappedCommand | undefined, command: DockerCommand): Translation {
  if (rule?.words === undefined) {
    return { line: undefined, notes: rule?.notes ?? [`${program.split(" ")[0]} has nothing like it`] };
  }
  const words: string[] = [];
  const notes: string[] = [];
  for (const flag of command.flags) {
    const found = rule.flags?.[flag.name];
    if (rule.without?.includes(flag.name) === true) continue;
    if (found === undefined) notes.push(`--${flag.name} has no counterpart`);
    else if (typeof found === "string") words.push(found, ...(flag.value === undefined ? [] : [flag.value.raw]));
    else {
      const { words: own = [], note } = found(flag);
      words.push(...own);
      if (note !== undefined) notes.push(note);
    }
  }
  const args = rule.args?.(command) ?? command.args.map(({ raw }) => raw);
  const line = [program, rule.words, ...words, ...args].filter((word) => word !== "").join(" ");
  return { line, notes: [...notes, ...(rule.notes ?? [])] };
}
