import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { Step } from "../plan/step.ts";
import type { MigrationRun } from "./migration-run.ts";
import { bringBack } from "./bring-back.ts";
import { openStep } from "./open-step.ts";
import { rollBack } from "./roll-back.ts";
import { hasChanged } from "./steps/preflight.ts";

export type ApplyOptions = {
  /** Leaves the node as it is when a step fails, for a look; `rollback` goes back later. */
  readonly keepOnFailure: boolean;
};

/**
 * Does the plan's steps, or what is left of them after an interruption. When a step fails, everything is taken back.
 * Aborting `call.signal` stops between changes and takes nothing back: the next call resumes.
 *
 * @throws failedPrecondition when the migration is on its way back, or a file is not as the plan expects it
 * @throws EngineError of the failed step, naming it and saying whether the node is back as it was
 */
export async function applyPlan(call: Call, run: MigrationRun, options: ApplyOptions): Promise<void> {
  const { journal, directory } = run;
  const { phase } = journal.state;
  if (phase === "applied") return;
  if (phase !== "applying") throw notApplying(directory, phase);
  if (journal.state.steps.size === 0) await checkFiles(run);
  await bringBack(call, run);
  for (const step of run.plan.steps) {
    if (step.kind === "purge" || journal.state.steps.get(step.id)?.state === "done") continue;
    try {
      await applyStep(call, run, step);
    } catch (error) {
      if (call.signal.aborted) throw error;
      await fail(call, run, { step, error, options });
    }
  }
  await journal.append({ t: "applied" });
}

async function applyStep(call: Call, run: MigrationRun, step: Step): Promise<void> {
  const { journal, machine, directory, tell } = run;
  tell(step.title);
  const work = openStep(machine, step, { directory, tell });
  if (!journal.state.steps.has(step.id)) {
    const undo = await work.save(call);
    await journal.append({ t: "begun", step: step.id, undo });
  }
  if (!(await work.check(call))) await work.do(call);
  await work.verify(call);
  await journal.append({ t: "done", step: step.id });
}

/** @throws failedPrecondition naming every file that is not as it was when the plan was made */
async function checkFiles({ plan, machine }: MigrationRun): Promise<void> {
  const seen = new Set<string>();
  const changed: string[] = [];
  for (const step of plan.steps) {
    for (const file of step.kind === "write-files" ? step.files : []) {
      if (seen.has(file.path)) continue;
      seen.add(file.path);
      const why = await hasChanged(machine, file.path, file.expectSha256, file.content);
      if (why !== undefined) changed.push(why);
    }
  }
  if (changed.length > 0) throw new EngineError("failedPrecondition", `plan: ${changed.join("; ")}`);
}

async function fail(
  call: Call,
  run: MigrationRun,
  { step, error, options }: { step: Step; error: unknown; options: ApplyOptions },
): Promise<never> {
  const text = `step ${step.id}: ${messageOf(error)}`;
  const failed = (next: string) => new EngineError(kindOf(error), `${text}\n${next}`, { cause: error });
  const resumable = "left as it is: apply resumes here, rollback goes back";
  try {
    await run.journal.append({ t: "failed", step: step.id, message: messageOf(error) });
  } catch (unwritten) {
    // Without a journal nothing is taken back: it could not be told how far that came.
    throw failed(`${messageOf(unwritten)}\n${resumable}`);
  }
  if (options.keepOnFailure) throw failed(resumable);
  run.tell(text);
  try {
    await rollBack(call, run, text);
  } catch (incomplete) {
    if (call.signal.aborted) throw incomplete;
    throw failed(messageOf(incomplete));
  }
  throw failed("the node is back as it was");
}

function notApplying(directory: string, phase: string): EngineError {
  const facts: Readonly<Record<string, string>> = {
    "going-back": "it is on its way back: finish with rollback",
    back: "it went back: give a plan to begin anew",
    purging: "its purge is under way: finish with purge",
    purged: "it is finished and purged",
  };
  return new EngineError("failedPrecondition", `migration in ${directory}: ${facts[phase] ?? phase}`);
}
