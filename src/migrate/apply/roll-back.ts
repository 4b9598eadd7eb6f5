import { EngineError, isKind, kindOf, messageOf } from "#base/errors.ts";
import { within, type Call } from "../call.ts";
import type { Step, StepKind } from "../plan/step.ts";
import type { MigrationRun } from "./migration-run.ts";
import { openStep } from "./open-step.ts";
import type { StepRun } from "./step-run.ts";

type Failure = { readonly step: Step; readonly error: unknown };

/**
 * Takes back every step that was begun, last first; resumes what an earlier call left. A step that cannot be taken back
 * (an API server that is away, or runs on this very node) does not keep the others, and is tried again once they are.
 *
 * @throws failedPrecondition after a purge began @throws the first step's kind when some could not be taken back
 */
export async function rollBack(call: Call, run: MigrationRun, why: string): Promise<void> {
  const { journal, plan, directory, machine } = run;
  const { phase } = journal.state;
  if (phase === "back") return;
  if (phase === "purging" || phase === "purged") {
    throw new EngineError("failedPrecondition", `migration in ${directory}: purged: there is no way back`);
  }
  if (phase !== "going-back") await journal.append({ t: "going-back", why });
  const apiMs = Math.min(firstApiMs, machine.apiTimeoutMs);
  const late = await undoAll(call, run, { steps: plan.steps.toReversed(), apiMs });
  await settle(call, run);
  const steps = late.map(({ step }) => step);
  const failures = await undoAll(call, run, { steps, apiMs: machine.apiTimeoutMs });
  failures.push(...(await settle(call, run)));
  if (failures.length > 0) throw incomplete(run, failures);
  await journal.append({ t: "back" });
}

/** An API server that runs on this very node is away until the kubelet is back: what needs it is tried again then. */
const firstApiMs = 20_000;
const apiKinds: readonly StepKind[] = ["cordon", "uncordon", "annotate-node", "smoke-pod"];

/** `apiMs` is for each step that asks the API server; one that was away for it is not waited for by the others. */
async function undoAll(
  call: Call,
  run: MigrationRun,
  { steps, apiMs }: { steps: readonly Step[]; apiMs: number },
): Promise<Failure[]> {
  const failures: Failure[] = [];
  let away: unknown;
  for (const step of steps) {
    const progress = run.journal.state.steps.get(step.id);
    if (progress === undefined || progress.state === "undone") continue;
    const asksApi = apiKinds.includes(step.kind);
    try {
      if (asksApi && away !== undefined) throw away;
      run.tell(`taking back: ${step.title}`);
      if (!isMoot(run, step)) await workOf(run, step).undo(asksApi ? within(call, apiMs) : call, progress.undo);
      await run.journal.append({ t: "undone", step: step.id });
    } catch (error) {
      if (call.signal.aborted) throw error;
      run.tell(`step ${step.id}: not taken back yet: ${messageOf(error)}`);
      failures.push({ step, error });
      if (asksApi && isKind(error, "unavailable")) away = error;
    }
  }
  return failures;
}

/** Taking back an uncordon keeps pods away on the way back, no longer: what stays is as the cordon found it. */
function isMoot({ journal, plan }: MigrationRun, { kind }: Step): boolean {
  const cordon = plan.steps.find((step) => step.kind === "cordon");
  return kind === "uncordon" && cordon !== undefined && journal.state.steps.get(cordon.id)?.state === "undone";
}

/** Once for all when nothing of the node itself is left to take back. */
async function settle(call: Call, run: MigrationRun): Promise<Failure[]> {
  const { journal, plan } = run;
  if (journal.state.isSettled) return [];
  const failures: Failure[] = [];
  for (const step of plan.steps.toReversed()) {
    const progress = journal.state.steps.get(step.id);
    if (progress === undefined) continue;
    try {
      await workOf(run, step).settle?.(call, progress.undo);
    } catch (error) {
      if (call.signal.aborted) throw error;
      failures.push({ step, error });
    }
  }
  if (failures.length === 0 && isNodeBack(run)) await journal.append({ t: "settled" });
  return failures;
}

function isNodeBack({ journal, plan }: MigrationRun): boolean {
  const own = plan.steps.filter(({ kind }) => !apiKinds.includes(kind));
  return own.every(({ id }) => (journal.state.steps.get(id)?.state ?? "undone") === "undone");
}

function workOf({ machine, directory, tell }: MigrationRun, step: Step): StepRun {
  return openStep(machine, step, { directory, tell });
}

function incomplete(run: MigrationRun, failures: readonly Failure[]): EngineError {
  const { directory, journal } = run;
  const what = failures.map(({ step, error }) => `step ${step.id}: not taken back: ${messageOf(error)}`);
  const next = journal.state.isSettled
    ? [
        "the node itself is as it was: call rollback again once the API server answers; what is left over there, by hand:",
        ...failures.flatMap((failure) => byHand(run, failure)),
      ]
    : ["the way back is not finished: mend what is named above, then call rollback again"];
  const text = [`migration in ${directory}:`, ...what, ...next].join("\n");
  return new EngineError(kindOf(failures[0]?.error), text, { cause: failures[0]?.error });
}

function byHand(run: MigrationRun, { step }: Failure): string[] {
  const commands = workOf(run, step).undoByHand?.(run.journal.state.steps.get(step.id)?.undo) ?? [];
  return commands.map((command) => `  ${command}`);
}
