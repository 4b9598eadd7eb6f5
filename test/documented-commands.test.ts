import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";
import { aliases, commandTable } from "#cli/command-table.ts";
import { parseFlagTable } from "#cli/flags.ts";
import { globalFlags } from "#cli/session.ts";

test("every ferry command and flag that the documentation shows is there", async () => {
  const failures: string[] = [];
  let count = 0;
  for (const file of ["README.md", ...globSync("docs/**/*.md").sort()]) {
    for (const { words, line } of commandLines(readFileSync(file, "utf8"))) {
      count++;
      const why = await whatIsWrong(words);
      if (why !== undefined) failures.push(`${file}:${line}: ferry ${words.join(" ")}: ${why}`);
    }
  }
  assert.deepEqual(failures, []);
  assert(count > 50, `${count} commands were found: is this still reading the right lines?`);
});

type Shown = { readonly words: readonly string[]; readonly line: number };

/** Lines of code blocks that begin with `ferry`, a prompt or `sudo` before it, and such code within sentences. */
function commandLines(text: string): Shown[] {
  const shown: Shown[] = [];
  let isBlock = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*```/.test(line)) isBlock = !isBlock;
    const commands = isBlock
      ? [/^\s*(?:[$#] )?(?:sudo )?ferry (.*)$/.exec(line)?.[1]]
      : [...line.matchAll(/`(?:sudo )?ferry ([^`]*)`/g)].map((match) => match[1]);
    for (const command of commands) {
      if (command !== undefined) shown.push({ words: wordsOf(command), line: index + 1 });
    }
  }
  return shown;
}

/** Up to a comment, a pipe, a redirection or a second command. */
function wordsOf(command: string): string[] {
  const words = command.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const end = words.findIndex((word) => /^([#|>;&<(→…]|2>)/.test(word));
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/[;,.:]$/, ""));
}

async function whatIsWrong(words: readonly string[]): Promise<string | undefined> {
  const names = words.filter((word) => !word.startsWith("-"));
  const first = names[0] ?? "";
  // `ferry COMMAND --help`, `ferry [OPTIONS]`, `ferry -n k8s.io ps` and their like stand for many.
  if (!/^[a-z]/.test(first) || (words[0] ?? "").startsWith("-")) return undefined;
  const key = [3, 2, 1]
    .map((length) => names.slice(0, length).join(" "))
    .find((text) => text in commandTable || text in aliases);
  if (key === undefined) return isGroup(first) && names.length === 1 ? undefined : "no such command";
  const entry = commandTable[aliases[key] ?? key];
  if (entry === undefined) return "no such command";
  const command = await entry.load();
  if (command.stopAtFirstArgument === true) return undefined;
  const known = new Set([...parseFlagTable(command.flags), ...parseFlagTable(globalFlags)].map(({ name }) => name));
  const unknown = words
    .filter((word) => word.startsWith("--") && word.length > 2)
    .map((word) => word.slice(2).split("=")[0] ?? "")
    .find((name) => !known.has(name));
  return unknown === undefined ? undefined : `unknown flag --${unknown}`;
}

function isGroup(word: string): boolean {
  return [...Object.keys(commandTable), ...Object.keys(aliases)].some((key) => key.startsWith(`${word} `));
}
