import type { JournalRecord } from "./journal-record.ts";

/** How far a step came. */
export type StepProgress = {
  readonly state: "begun" | "done" | "undone";
  /** What its executor needs to go back. */
  readonly undo: unknown;
};

/**
 * Where a run stands:
 *
 * ```
 * applying ──► applied ──► purging ──► purged
 *    └────────────┴──► going-back ──► back
 * ```
 */
export type Phase = "applying" | "applied" | "going-back" | "back" | "purging" | "purged";

export type JournalState = {
  readonly phase: Phase;
  readonly planSha256: string;
  readonly steps: ReadonlyMap<string, StepProgress>;
  /** On the way back: units were started as they ran before. Doing it again would restart what pods run on. */
  readonly isSettled: boolean;
  /** Of the last step that failed, until something was begun again. */
  readonly failure: { readonly step: string; readonly message: string } | undefined;
};

export const emptyState: JournalState = {
  phase: "applying",
  planSha256: "",
  steps: new Map(),
  isSettled: false,
  failure: undefined,
};

/** The state after one more record. */
export function advance(state: JournalState, record: JournalRecord): JournalState {
  switch (record.t) {
    case "opened":
      return { ...emptyState, planSha256: record.planSha256 };
    case "begun":
      return withStep({ ...state, failure: undefined }, record.step, { state: "begun", undo: record.undo });
    case "done":
    case "undone": {
      const undo = state.steps.get(record.step)?.undo ?? null;
      return withStep({ ...state, failure: undefined }, record.step, { state: record.t, undo });
    }
    case "failed":
      return { ...state, failure: { step: record.step, message: record.message } };
    case "settled":
      return { ...state, isSettled: true };
    case "going-back":
    case "applied":
    case "back":
    case "purging":
    case "purged":
      return { ...state, phase: record.t };
    default:
      return record satisfies never;
  }
}

function withStep(state: JournalState, step: string, progress: StepProgress): JournalState {
  return { ...state, steps: new Map([...state.steps, [step, progress]]) };
}
