import { rollBack } from "#migrate/apply/roll-back.ts";
import type { Command } from "../../command.ts";
import { print } from "../../output.ts";
import { nodeFlags, openCall, openNodeRun } from "./node-run.ts";

export const migrateRollback: Command = {
  usage: "[OPTIONS]",
  summary: "Put this node back as it was before its move, to the byte",
  flags: nodeFlags,
  args: { min: 0, max: 0 },
  example: "ferry migrate rollback",
  run: async (_session, { flags }) => {
    using call = openCall();
    await using run = await openNodeRun(flags);
    await rollBack(call, run, "asked for");
    print(`node ${run.plan.node} is back as it was`);
    return 0;
  },
};
