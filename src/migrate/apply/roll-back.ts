import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { Step } from "../plan/step.ts";
import type { MigrationRun } from "./migration-run.ts";
import { openStep } from "./open-step.ts";
import type { StepRun } from "./step-run.ts";

type Failure = { readonly step: Step; readonly error: unknown };

/**
 * Takes back every step that was begun, last first; resumes what an earlier call left. A step that cannot be taken back
 * (an API server that runs on this very node) does not keep the others, and is tried again once they are.
 *
 * @throws failedPrecondition after a purge began @throws the first step's kind when some could not be taken back
 */
export async function rollBack(call: Call, run: MigrationRun, why: string): Promise<void> {
  const { journal, plan, directory } = run;
  const { phase } = journal.state;
  if (phase === "back") return;
  if (phase === "purging" || phase === "purged") {
    throw new EngineError("failedPrecondition", `migration in ${directory}: purged: there is no way back`);
  }
  if (phase !== "going-back") await journal.append({ t: "going-back", why });
  const first = await undoAll(call, run, plan.steps.toReversed());
  const failures =
    first.length === 0
      ? []
      : await undoAll(
          call,
          run,
          first.map(({ step }) => step),
        );
  if (failures.length > 0) throw incomplete(directory, failures);
  await settle(call, run);
  await journal.append({ t: "back" });
}

async function undoAll(call: Call, run: MigrationRun, steps: readonly Step[]): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const step of steps) {
    const progress = run.journal.state.steps.get(step.id);
    if (progress === undefined || progress.state === "undone") continue;
    try {
      run.tell(`taking back: ${step.title}`);
      await workOf(run, step).undo(call, progress.undo);
      await run.journal.append({ t: "undone", step: step.id });
    } catch (error) {
      if (call.signal.aborted) throw error;
      run.tell(`step ${step.id}: not taken back yet: ${messageOf(error)}`);
      failures.push({ step, error });
    }
  }
  return failures;
}

async function settle(call: Call, run: MigrationRun): Promise<void> {
  for (const step of run.plan.steps) {
    const progress = run.journal.state.steps.get(step.id);
    if (progress !== undefined) await workOf(run, step).settle?.(call, progress.undo);
  }
}

function workOf({ machine, directory, tell }: MigrationRun, step: Step): StepRun {
  return openStep(machine, step, { directory, tell });
}

function incomplete(directory: string, failures: readonly Failure[]): EngineError {
  const lines = failures.map(({ step, error }) => `step ${step.id}: not taken back: ${messageOf(error)}`);
  const next = "the way back is not finished: mend what is named above, then call rollback again";
  const text = `migration in ${directory}:\n${lines.join("\n")}\n${next}`;
  return new EngineError(kindOf(failures[0]?.error), text, { cause: failures[0]?.error });
}
