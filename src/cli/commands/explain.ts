import { readFile } from "node:fs/promises";
import type { Explained } from "#migrate/explain/explain-command.ts";
import type { ToolName } from "#migrate/explain/tools/tool.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { chooseFormat } from "../format/choose-format.ts";
import { print, warn, write } from "../output.ts";

export const explain: Command = {
  usage: "[OPTIONS] COMMAND | --rewrite SCRIPT",
  summary: "Say a docker command, or a script of them, in the words of ferry, nerdctl, crictl, ctr and kubectl",
  flags: `
    --to string        Only this tool: ferry, nerdctl, crictl, ctr or kubectl
    --rewrite string   Rewrite this script (- for STDIN) in the words of --to, to STDOUT
    --script string    Explain every docker command in this script
`,
  args: { min: 0 },
  stopAtFirstArgument: true,
  example: `ferry explain 'docker ps -a --no-trunc'
ferry explain --to crictl --rewrite clean-up.sh > clean-up-crictl.sh`,
  run: async (session, { flags, args }) => {
    const format = chooseFormat(session.format(flags), ["text", "json"]);
    const to = flags.text("to");
    const { toolNames } = await import("#migrate/explain/tools/tool.ts");
    const tool = toolNames.find((name) => name === to);
    if (to !== undefined && tool === undefined) {
      throw new CliError(`--to ${to}: no such tool`, { next: `one of: ${toolNames.join(", ")}` });
    }
    const script = flags.text("rewrite");
    if (script !== undefined) return await rewrite(script, tool);
    const text = flags.has("script") ? await readScript(flags.text("script") ?? "-") : args.join(" ");
    const { explainCommands } = await import("#migrate/explain/explain-command.ts");
    const found = explainCommands(text, tool === undefined ? toolNames : [tool]);
    if (found.length === 0) {
      throw new CliError("no docker command in it", { next: "for example: ferry explain 'docker ps -a'" });
    }
    if (format === "json") for (const one of found) print(JSON.stringify(one));
    else for (const one of found) printExplained(one, flags.has("script"));
    return found.every(isWhole) ? 0 : exitCodes.incomplete;
  },
};

async function rewrite(path: string, tool: ToolName | undefined): Promise<number> {
  if (tool === undefined) throw new CliError("in whose words is not said", { next: "add --to crictl, for example" });
  const { rewriteScript } = await import("#migrate/explain/rewrite-script.ts");
  const { text, rewritten, left } = rewriteScript(await readScript(path), tool);
  write(1, text);
  warn(`ferry explain: ${rewritten} rewritten, ${left} left as they were, with a comment`);
  return left === 0 ? 0 : exitCodes.incomplete;
}

async function readScript(path: string): Promise<string> {
  if (path !== "-") return await readFile(path, "utf8");
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

function isWhole({ unreadable, translations }: Explained): boolean {
  return unreadable === undefined && translations.some(({ line }) => line !== undefined);
}

function printExplained({ docker, line, unreadable, translations }: Explained, withLine: boolean): void {
  print(withLine ? `${line}: ${docker}` : docker);
  if (unreadable !== undefined) print(`  not understood: ${unreadable}`);
  for (const { tool, line: words, notes } of translations) {
    print(`  ${tool.padEnd(9)}${words ?? "-"}`);
    for (const note of notes) print(`  ${"".padEnd(9)}  ${note}`);
  }
  print("");
}
