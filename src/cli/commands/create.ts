import type { Command } from "../command.ts";
import { print } from "../output.ts";
import { createContainer } from "../run/create-container.ts";
import { containerFlags } from "../run/run-flags.ts";

export const create: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a new container",
  flags: containerFlags,
  args: { min: 1 },
  stopAtFirstArgument: true,
  example: "ferry create --name web -p 8080:80 nginx",
  completes: "images",
  run: async (session, { flags, args }) => {
    print(await createContainer(session, flags, args));
    return 0;
  },
};
