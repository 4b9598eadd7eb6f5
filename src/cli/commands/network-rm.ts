import type { Command } from "../command.ts";
import { eachArgument } from "../each-argument.ts";
import { removeNamed } from "../remove-named.ts";

export const networkRm: Command = {
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  summary: "Remove one or more networks",
  flags: `
-f, --force   Do not error if the network does not exist
`,
  args: { min: 1 },
  example: "ferry network rm app",
  completes: "networks",
  run: (session, { flags, args, name: command }) =>
    eachArgument(args, command, (name) => removeNamed(session, { kind: "networks", name, force: flags.bool("force") })),
};
