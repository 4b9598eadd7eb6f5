import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { fails } from "#test/support/fails.ts";
import { Journal } from "./journal.ts";
import { acquireRunLock } from "./run-lock.ts";

test("a line that a crash cut off is taken away, the whole ones stay", async () => {
  await using directory = await temporaryDirectory("journal");
  const path = join(directory.path, "journal.jsonl");
  {
    await using journal = await Journal.open(path);
    await journal.append({ t: "opened", planSha256: "aa", ferry: "0.1.0" });
    await journal.append({ t: "begun", step: "01", undo: { was: [1, null] } });
  }
  const whole = await readFile(path, "utf8");
  await appendFile(path, '{"version":1,"at":"2026-');
  await using journal = await Journal.open(path);
  assert.equal(await readFile(path, "utf8"), whole);
  assert.deepEqual(journal.state.steps.get("01"), { state: "begun", undo: { was: [1, null] } });
});

test("a journal of another version is refused with what to do", async () => {
  await using directory = await temporaryDirectory("journal");
  const path = join(directory.path, "journal.jsonl");
  await writeFile(path, '{"version":7,"at":"2026-01-01T00:00:00Z","t":"opened"}\n');
  await fails(
    "failedPrecondition",
    Journal.open(path),
    /version 7, this ferry reads 1: go on or go back with the ferry that wrote it/,
  );
});

test("a damaged line in the middle is an error that names it", async () => {
  await using directory = await temporaryDirectory("journal");
  const path = join(directory.path, "journal.jsonl");
  await writeFile(path, 'garbage\n{"version":1,"at":"x","t":"applied"}\n');
  await fails("dataLoss", Journal.open(path), /journal.jsonl: line 1: no journal record/);
});

test("two runs in one directory: the second is refused with the first one's pid", async () => {
  await using directory = await temporaryDirectory("journal");
  {
    await using _first = await acquireRunLock(directory.path);
    await fails("conflict", acquireRunLock(directory.path), new RegExp(`another run has it, pid ${process.pid}`));
  }
  await using _second = await acquireRunLock(directory.path);
});
