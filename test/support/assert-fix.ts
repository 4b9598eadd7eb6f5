import assert from "node:assert/strict";
import { commandTable } from "#cli/command-table.ts";
import { parseFlagTable } from "#cli/flags.ts";
import { parseArguments } from "#cli/parse-arguments.ts";
import { decodeConfig } from "#daemon/config.ts";
import type { Fix } from "#migrate/assess/finding.ts";

/** Asserts that what a finding says to paste can be: Ferry's own commands and its configuration, by the code that reads them. */
export async function assertFix({ commands = [], patch = "" }: Fix): Promise<void> {
  for (const command of commands) {
    if (command.startsWith("ferry ")) await assertCommand(command);
    // Fixtures have it in names that anybody may choose.
    assert.doesNotMatch(command.replaceAll(/'[^']*'/g, ""), /reboot/, "a name is a command of its own");
  }
  for (const [, text = ""] of patch.matchAll(/^# \/etc\/ferry\/config\.toml\n((?:(?!#).*\n?)*)/gm)) {
    assert.deepEqual(decodeConfig(text).warnings, [], text);
  }
}

async function assertCommand(text: string): Promise<void> {
  const words = [...text.matchAll(/'([^']*)'|(\S+)/g)].slice(1).map(([, quoted, plain]) => quoted ?? plain ?? "");
  const count = Math.max(
    ...[1, 2, 3].filter((length) => Object.hasOwn(commandTable, words.slice(0, length).join(" "))),
  );
  const entry = commandTable[words.slice(0, count).join(" ")];
  assert.ok(entry !== undefined, `no such command: ${text}`);
  const command = await entry.load();
  const specs = parseFlagTable(command.flags);
  const interspersed = command.stopAtFirstArgument !== true;
  const { flags, rest } = parseArguments(words.slice(count), specs, { interspersed, helpCommand: text });
  assert.ok(rest.length >= command.args.min && rest.length <= (command.args.max ?? Infinity), `arguments: ${text}`);
  if (text.startsWith("ferry migrate images ")) assert.ok(flags.has("to"), `without --to: ${text}`);
  if (text.startsWith("ferry migrate plan ")) assert.ok(flags.has("target"), `without --target: ${text}`);
}
