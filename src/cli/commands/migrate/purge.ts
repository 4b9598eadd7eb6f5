import { purgePlan } from "#migrate/apply/purge-plan.ts";
import { stepCommands } from "#migrate/plan/step-commands.ts";
import { confirm } from "../../ask.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { isTerminal, print } from "../../output.ts";
import { nodeFlags, openCall, openNodeRun } from "./node-run.ts";

export const migratePurge: Command = {
  usage: "[OPTIONS]",
  summary: "Remove Docker and its data from a node that was moved; there is no way back afterwards",
  flags: `
-f, --force               Do not ask
${nodeFlags.slice(1)}`,
  args: { min: 0, max: 0 },
  example: "ferry migrate purge",
  run: async (_session, { flags }) => {
    using call = openCall();
    await using run = await openNodeRun(flags);
    if (!flags.bool("force")) {
      if (!isTerminal(0)) throw new CliError("nobody to ask", { next: "say so: ferry migrate purge --force" });
      for (const step of run.plan.steps.filter(({ kind }) => kind === "purge")) {
        for (const command of stepCommands(step)) print(`  ${command}`);
      }
      if (!(await confirm("There is no way back afterwards."))) return 1;
    }
    await purgePlan(call, run);
    print(`node ${run.plan.node}: Docker is gone`);
    return 0;
  },
};
