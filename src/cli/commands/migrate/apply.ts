import { readFile } from "node:fs/promises";
import { EngineError, errnoOf } from "#base/errors.ts";
import { applyPlan } from "#migrate/apply/apply-plan.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { parsePlan } from "#migrate/plan/parse-plan.ts";
import { renderPlan } from "#migrate/plan/render-plan.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { print } from "../../output.ts";
import { nodeFlags, openCall, openNodeRun } from "./node-run.ts";
import { readTexts } from "./read-texts.ts";

export const migrateApply: Command = {
  usage: "[OPTIONS] [PLAN]",
  summary: "Move this node by a plan; called again, go on where it was interrupted",
  flags: `
    --dry-run             Only print every command and diff
    --no-rollback         When a step fails, leave the node as it is then
    --plan string         As PLAN: a file of ferry migrate plan --out
${nodeFlags.slice(1)}`,
  args: { min: 0, max: 1 },
  example: "ferry migrate apply plan.json\nferry migrate apply   # go on after an interruption",
  run: async (_session, { flags, args: [file = flags.text("plan")] }) => {
    const text = file === undefined ? undefined : await readPlan(file);
    if (flags.bool("dry-run")) {
      // Never what is under way instead.
      if (text === undefined) throw new CliError("--dry-run shows a PLAN: name its file");
      await show(text);
      return 0;
    }
    using call = openCall();
    await using run = await openNodeRun(flags, text);
    await applyPlan(call, run, { keepOnFailure: flags.bool("no-rollback") });
    print(`node ${run.plan.node} is moved to ${run.plan.target}`);
    print("back: ferry migrate rollback; once it has proven itself: ferry migrate purge");
    return 0;
  },
};

async function readPlan(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new EngineError("notFound", `plan ${path}: no such file`);
    throw error;
  }
}

async function show(text: string): Promise<void> {
  const plan = parsePlan(text);
  const texts = await readTexts(await HostRoot.open("/"), plan);
  for (const line of renderPlan(plan, { textOf: (path) => texts.get(path) })) print(line);
}
