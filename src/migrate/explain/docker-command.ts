import { lookUp } from "#base/look-up.ts";
import { dockerAliases, dockerFlags, dockerGlobalFlags } from "./docker-flags.ts";
import type { Word } from "./shell-commands.ts";

export type UsedFlag = {
  /** Long name without dashes: `no-trunc`. */
  readonly name: string;
  /** Undefined for a switch. */
  readonly value: Word | undefined;
};

/** A docker command line by its parts. */
export type DockerCommand = {
  /** `ps`, `network create`, under its short name. */
  readonly name: string;
  readonly flags: readonly UsedFlag[];
  readonly args: readonly Word[];
  /** What follows the command's words, as typed. */
  readonly tail: readonly Word[];
};

export type ParsedCommand =
  | { readonly t: "command"; readonly command: DockerCommand }
  /** Words that are no docker command, or flags it does not know. */
  | { readonly t: "unreadable"; readonly reason: string };

/** Commands whose arguments after the first belong to something else. */
const stopsAtArgument = new Set(["run", "create", "exec", "compose", "top"]);

/** Whether a command's first word runs docker. */
export function isDocker(word: Word | undefined): boolean {
  return word !== undefined && /(^|\/)docker(-compose)?$/.test(word.text ?? "");
}

/** Reads the words after `docker`, or `docker-compose`. */
export function parseDockerCommand([program, ...words]: readonly Word[]): ParsedCommand {
  const isCompose = program?.text?.endsWith("docker-compose") === true;
  const globals = isCompose ? undefined : parseFlags(words, flagTable(dockerGlobalFlags), true);
  const rest = globals === undefined ? words : globals.args;
  const typed = isCompose ? "compose" : commandName(rest);
  if (globals?.unknown !== undefined) return unreadable(`docker has no flag ${globals.unknown}`);
  if (typed === undefined) return unreadable(`docker has no command ${rest[0]?.raw ?? ""}`.trimEnd());
  const tail = isCompose ? words : rest.slice(typed.split(" ").length);
  const name = lookUp(dockerAliases, typed) ?? typed.replace(/^container (?!prune)/, "");
  const table = flagTable(lookUp(dockerFlags, lookUp(flagsLike, name) ?? name) ?? "");
  const { flags, args, unknown } = parseFlags(tail, table, stopsAtArgument.has(name));
  if (unknown !== undefined && table.size > 0) return unreadable(`docker ${typed} has no flag ${unknown}`);
  return { t: "command", command: { name, flags, args, tail } };
}

const flagsLike: Readonly<Record<string, string>> = { create: "run", "buildx build": "build" };

function unreadable(reason: string): ParsedCommand {
  return { t: "unreadable", reason };
}

/** The one or two words that name a command. */
function commandName(words: readonly Word[]): string | undefined {
  const [first = "", second = ""] = words.map(({ text }) => text ?? "");
  const two = `${first} ${second}`;
  if (Object.hasOwn(dockerFlags, two) || Object.hasOwn(dockerAliases, two)) return two;
  if (first === "container" && Object.hasOwn(dockerFlags, second)) return two;
  return Object.hasOwn(dockerFlags, first) ? first : undefined;
}

type Known = { readonly name: string; readonly takesValue: boolean };

function flagTable(text: string): Map<string, Known> {
  const table = new Map<string, Known>();
  for (const entry of text.split(" ").filter(Boolean)) {
    const takesValue = entry.endsWith("=");
    const names = entry.replace("=", "").split(",");
    const name = names.at(-1) ?? "";
    for (const one of names) table.set(one, { name, takesValue });
  }
  return table;
}

type ParsedFlags = { readonly flags: UsedFlag[]; readonly args: readonly Word[]; readonly unknown?: string };

function parseFlags(words: readonly Word[], table: ReadonlyMap<string, Known>, stops: boolean): ParsedFlags {
  const flags: UsedFlag[] = [];
  const args: Word[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? { raw: "", text: "" };
    if (word.raw === "--") return { flags, args: [...args, ...words.slice(at + 1)] };
    if (!word.raw.startsWith("-") || word.raw === "-") {
      if (stops) return { flags, args: words.slice(at) };
      args.push(word);
      continue;
    }
    const read = readFlag(word, words[at + 1], table);
    if (read === undefined) return { flags, args: [...args, ...words.slice(at)], unknown: word.raw };
    flags.push(...read.flags);
    if (read.tookNext) at++;
  }
  return { flags, args };
}

type ReadFlag = { readonly flags: readonly UsedFlag[]; readonly tookNext: boolean };

/** `--name=value`, `--name value`, `-nvalue`, `-it`. */
function readFlag(word: Word, next: Word | undefined, table: ReadonlyMap<string, Known>): ReadFlag | undefined {
  const [, long, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word.raw) ?? [];
  if (long !== undefined) {
    const known = table.get(long);
    if (known === undefined) return undefined;
    if (value !== undefined) return { flags: [{ name: known.name, value: wordOf(value) }], tookNext: false };
    return { flags: [{ name: known.name, value: known.takesValue ? next : undefined }], tookNext: known.takesValue };
  }
  const flags: UsedFlag[] = [];
  for (let at = 1; at < word.raw.length; at++) {
    const known = table.get(word.raw[at] ?? "");
    if (known === undefined) return undefined;
    if (!known.takesValue) flags.push({ name: known.name, value: undefined });
    else {
      const rest = word.raw.slice(at + 1).replace(/^=/, "");
      return {
        flags: [...flags, { name: known.name, value: rest === "" ? next : wordOf(rest) }],
        tookNext: rest === "",
      };
    }
  }
  return { flags, tookNext: false };
}

function wordOf(raw: string): Word {
  return { raw, text: /[$`]/.test(raw) ? undefined : raw.replaceAll(/^["']|["']$/g, "") };
}
