import { rm } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { MigrationRun } from "./migration-run.ts";
import { openStep } from "./open-step.ts";

/**
 * Removes Docker for good, with the undo data: the plan's `purge` steps, after which nothing goes back. Resumes a purge
 * that was interrupted.
 *
 * @throws failedPrecondition unless the plan was applied to its end, and where it leaves Docker in place
 */
export async function purgePlan(call: Call, run: MigrationRun): Promise<void> {
  const { journal, plan, machine, directory, tell } = run;
  const { phase } = journal.state;
  if (phase === "purged") return;
  if (phase !== "applied" && phase !== "purging") {
    throw new EngineError("failedPrecondition", `migration in ${directory}: not applied to its end, nothing is purged`);
  }
  const steps = plan.steps.filter(({ kind }) => kind === "purge");
  if (steps.length === 0) {
    throw new EngineError(
      "failedPrecondition",
      `migration in ${directory}: to ${plan.target}: Docker stays, nothing to purge`,
    );
  }
  if (phase === "applied") await journal.append({ t: "purging" });
  for (const step of steps) {
    if (journal.state.steps.get(step.id)?.state === "done") continue;
    tell(step.title);
    const work = openStep(machine, step, { directory, tell });
    await journal.append({ t: "begun", step: step.id, undo: null });
    await work.do(call);
    await work.verify(call);
    await journal.append({ t: "done", step: step.id });
  }
  await rm(join(directory, "undo"), { recursive: true, force: true });
  await journal.append({ t: "purged" });
}
