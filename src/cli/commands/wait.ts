import type { WaitAnswer } from "#clients/docker/wire-types.ts";
import type { Command } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";

export const wait: Command = {
  usage: "CONTAINER [CONTAINER...]",
  summary: "Block until one or more containers stop, then print their exit codes",
  flags: "",
  args: { min: 1 },
  example: "ferry wait job",
  completes: "running",
  run: (session, { args, name }) =>
    eachArgument(args, name, async (container) => {
      const path = `/containers/${segment(container)}/wait`;
      const { StatusCode } = await session.client.json<WaitAnswer>({ method: "POST", path });
      return String(StatusCode);
    }),
};
