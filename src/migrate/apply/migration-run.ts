import { createHash } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "#base/atomic-file.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Plan } from "../plan/step.ts";
import { toDiskError } from "./disk-error.ts";
import { Journal } from "./journal.ts";
import type { JournalRecord } from "./journal-record.ts";
import { acquireRunLock } from "./run-lock.ts";
import type { Machine } from "./step-run.ts";

/** One migration of this node: its plan, its journal, and the node. */
export type MigrationRun = {
  readonly plan: Plan;
  readonly journal: Journal;
  /** Journal, plan and undo data lie here, only for root. */
  readonly directory: string;
  readonly machine: Machine;
  readonly tell: (text: string) => void;
};

export type OpenOptions = {
  readonly directory: string;
  readonly machine: Machine;
  /** Of this ferry, for the journal. */
  readonly version: string;
  /** Reads a plan's text. @throws EngineError when it is none */
  readonly parsePlan: (text: string) => Plan;
  readonly tell: (text: string) => void;
  readonly onRecord?: (record: JournalRecord) => void;
};

/** As long as it is held, no other run works in the directory. */
export type OpenRun = MigrationRun & AsyncDisposable;

/**
 * Opens the migration that is under way in `directory`, or begins one with the plan `planText`. A migration that went back
 * makes room for the next: its journal is kept under `past/`.
 *
 * @throws conflict when another process works there, or another plan is under way
 * @throws notFound when nothing is under way and no plan is given
 */
export async function openMigration(options: OpenOptions, planText?: string): Promise<OpenRun> {
  try {
    return await open(options, planText);
  } catch (error) {
    throw toDiskError(`migration in ${options.directory}`, error);
  }
}

async function open(options: OpenOptions, planText: string | undefined): Promise<OpenRun> {
  const { directory } = options;
  await using undo = new AsyncDisposableStack();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  undo.use(await acquireRunLock(directory));
  if (planText !== undefined && isOver(await readState(directory))) await putAside(directory);
  const journal = undo.use(await Journal.open(join(directory, "journal.jsonl"), options.onRecord));
  if (journal.records.length === 0) await begin(options, journal, planText);
  const plan = await loadPlan(options, journal, planText);
  const owned = undo.move();
  const { machine, tell } = options;
  return { plan, journal, directory, machine, tell, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** What the journal in `directory` says; empty where none is. Needs no lock. */
export async function readState(directory: string): Promise<readonly JournalRecord[]> {
  return await Journal.read(join(directory, "journal.jsonl"));
}

async function begin({ directory, version, parsePlan }: OpenOptions, journal: Journal, planText: string | undefined) {
  if (planText === undefined) {
    throw new EngineError("notFound", `migration in ${directory}: none is under way; give a plan to begin one`);
  }
  parsePlan(planText);
  await writeFileAtomic(join(directory, "plan.json"), planText);
  await journal.append({ t: "opened", planSha256: sha256(planText), ferry: version });
}

async function loadPlan({ directory, parsePlan }: OpenOptions, journal: Journal, planText?: string): Promise<Plan> {
  const text = await readFile(join(directory, "plan.json"), "utf8");
  const { planSha256 } = journal.state;
  if (sha256(text) !== planSha256) {
    throw new EngineError("dataLoss", `${directory}/plan.json: not the plan that this journal was begun with`);
  }
  if (planText !== undefined && sha256(planText) !== planSha256) {
    throw new EngineError(
      "conflict",
      `migration in ${directory}: another plan is under way: resume it or roll it back`,
    );
  }
  return parsePlan(text);
}

/** It went back, is finished, or was opened and refused before its first step: another one may begin. */
function isOver(records: readonly JournalRecord[]): boolean {
  const last = records.at(-1)?.t;
  return last === "back" || last === "purged" || last === "opened";
}

async function putAside(directory: string): Promise<void> {
  const past = join(directory, "past", new Date().toISOString().replaceAll(":", ""));
  await mkdir(past, { recursive: true, mode: 0o700 });
  // The journal last: until it has moved, the next run finds this one finished and moves the rest.
  for (const name of ["undo", "plan.json", "journal.jsonl"]) {
    await rename(join(directory, name), join(past, name)).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
    });
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
