import type { Command } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";

export const pause: Command = {
  usage: "CONTAINER [CONTAINER...]",
  summary: "Pause all processes within one or more containers",
  flags: "",
  args: { min: 1 },
  example: "ferry pause web",
  completes: "running",
  run: (session, { args, name }) =>
    eachArgument(args, name, async (container) => {
      await session.client.text({ method: "POST", path: `/containers/${segment(container)}/pause` });
      return container;
    }),
};

export const unpause: Command = {
  ...pause,
  summary: "Unpause all processes within one or more containers",
  example: "ferry unpause web",
  run: (session, { args, name }) =>
    eachArgument(args, name, async (container) => {
      await session.client.text({ method: "POST", path: `/containers/${segment(container)}/unpause` });
      return container;
    }),
};
