import type { Command } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";

export const kill: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Kill one or more running containers",
  flags: `
-s, --signal string   Signal to send to the container (default SIGKILL)
`,
  args: { min: 1 },
  example: "ferry kill -s HUP web",
  completes: "running",
  run: (session, { flags, args, name }) =>
    eachArgument(args, name, async (container) => {
      const path = `/containers/${segment(container)}/kill`;
      await session.client.text({ method: "POST", path, query: { signal: flags.text("signal") } });
      return container;
    }),
};
