import type { Command } from "../command.ts";
import { segment } from "../each-argument.ts";
import { layoutTable } from "../format/layout-table.ts";
import { write } from "../output.ts";

export const top: Command = {
  usage: "CONTAINER [ps OPTIONS]",
  summary: "Display the running processes of a container",
  flags: "",
  args: { min: 1 },
  stopAtFirstArgument: true,
  example: "ferry top web -o pid,args",
  completes: "running",
  run: async (session, { args: [container = "", ...psArgs] }) => {
    const { Titles, Processes } = await session.client.json<{ Titles: string[]; Processes: string[][] | null }>({
      path: `/containers/${segment(container)}/top`,
      query: { ps_args: psArgs.length === 0 ? undefined : psArgs.join(" ") },
    });
    write(1, layoutTable([Titles, ...(Processes ?? [])], 20));
    return 0;
  },
};
