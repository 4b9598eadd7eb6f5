import type { Command } from "../command.ts";
import { segment } from "../each-argument.ts";

export const rename: Command = {
  usage: "CONTAINER NEW_NAME",
  summary: "Rename a container",
  flags: "",
  args: { min: 2, max: 2 },
  example: "ferry rename web web-old",
  completes: "containers",
  run: async (session, { args: [container = "", name = ""] }) => {
    await session.client.text({ method: "POST", path: `/containers/${segment(container)}/rename`, query: { name } });
    return 0;
  },
};
