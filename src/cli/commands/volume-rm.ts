import type { Command } from "../command.ts";
import { eachArgument } from "../each-argument.ts";
import { removeNamed } from "../remove-named.ts";

export const volumeRm: Command = {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Remove one or more volumes",
  flags: `
-f, --force   Do not error if the volume does not exist
`,
  args: { min: 1 },
  example: "ferry volume rm data",
  completes: "volumes",
  run: (session, { flags, args, name: command }) =>
    eachArgument(args, command, (name) => removeNamed(session, { kind: "volumes", name, force: flags.bool("force") })),
};
