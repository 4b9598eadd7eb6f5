import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { MigrationRun } from "./migration-run.ts";
import { openStep } from "./open-step.ts";

/**
 * Before a run goes on: a reboot in the middle has started the kubelet with its old runtime, and pods with it. What steps
 * that are done brought about is brought about again, as far as no later step has had its say.
 *
 * @throws EngineError naming the step; nothing was taken back, and the next call tries again
 */
export async function bringBack(call: Call, { plan, journal, machine, directory, tell }: MigrationRun): Promise<void> {
  const reached = plan.steps.filter(({ id }) => journal.state.steps.has(id));
  for (const [at, step] of reached.entries()) {
    if (journal.state.steps.get(step.id)?.state !== "done") continue;
    try {
      await openStep(machine, step, { directory, tell }).bringBack?.(call, reached.slice(at + 1));
    } catch (error) {
      if (call.signal.aborted) throw error;
      const next = "apply tries again, rollback goes back";
      throw new EngineError(kindOf(error), `step ${step.id}: not as it was left: ${messageOf(error)}\n${next}`, {
        cause: error,
      });
    }
  }
}
