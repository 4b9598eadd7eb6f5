import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { completionScript } from "../completion-script.ts";
import { write } from "../output.ts";

export const completion: Command = {
  usage: "bash|zsh|fish",
  summary: "Print a completion script for a shell",
  flags: "",
  args: { min: 1, max: 1 },
  example: 'eval "$(ferry completion bash)"',
  run: async (_session, { args: [shell = ""] }) => {
    const script = completionScript(shell);
    if (script === undefined) throw new CliError(`unknown shell ${shell}`, { next: "ferry completion bash|zsh|fish" });
    write(1, script);
    return 0;
  },
};
