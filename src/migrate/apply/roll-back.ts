import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import { within, type Call } from "../call.ts";
import type { Step, StepKind } from "../plan/step.ts";
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
  const late = await undoAll(call, run, { steps: plan.steps.toReversed(), apiMs: firstApiMs });
  const unsettled = await settle(call, run);
  const again = [...late, ...unsettled].map(({ step }) => step);
  const failures = await undoAll(call, run, { steps: again, apiMs: lastApiMs });
  if (unsettled.length > 0 || late.length > 0) failures.push(...(await settle(call, run)));
  if (failures.length > 0) throw incomplete(directory, failures);
  await journal.append({ t: "back" });
}

/** An API server that runs on this very node is away until the kubelet is back: what needs it is tried again then. */
const firstApiMs = 20_000;
const lastApiMs = 180_000;
const apiKinds: readonly StepKind[] = ["cordon", "uncordon", "annotate-node", "smoke-pod"];

async function undoAll(
  call: Call,
  run: MigrationRun,
  { steps, apiMs }: { steps: readonly Step[]; apiMs: number },
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const step of steps) {
    const progress = run.journal.state.steps.get(step.id);
    if (progress === undefined || progress.state === "undone") continue;
    try {
      run.tell(`taking back: ${step.title}`);
      const inTime = apiKinds.includes(step.kind) ? within(call, apiMs) : call;
      await workOf(run, step).undo(inTime, progress.undo);
      await run.journal.append({ t: "undone", step: step.id });
    } catch (error) {
      if (call.signal.aborted) throw error;
      run.tell(`step ${step.id}: not taken back yet: ${messageOf(error)}`);
      failures.push({ step, error });
    }
  }
  return failures;
}

async function settle(call: Call, run: MigrationRun): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const step of run.plan.steps.toReversed()) {
    const progress = run.journal.state.steps.get(step.id);
    if (progress === undefined) continue;
    try {
      await workOf(run, step).settle?.(call, progress.undo);
    } catch (error) {
      if (call.signal.aborted) throw error;
      failures.push({ step, error });
    }
  }
  return failures;
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
