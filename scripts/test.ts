/**
 * Runs every check and test; installs what they need first.
 *
 *   npm test                        everything
 *   npm test -- PATTERN...          the test files whose path contains one of the words
 *
 * The last line is `N passed, N failed, N skipped`. Exit status 1 when anything failed.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { run } from "node:test";
import { inspect } from "node:util";
import { installPackages, runtimePackages, busyboxPackages, testPackages } from "./house/debian-packages.ts";
import { prepareMachine } from "./house/prepare-machine.ts";

type Tally = { passed: number; failed: number; skipped: { name: string; why: string }[] };

const patterns = process.argv.slice(2);
const tally: Tally = { passed: 0, failed: 0, skipped: [] };

if (process.getuid?.() === 0) {
  installPackages([...runtimePackages, ...busyboxPackages, ...testPackages]);
  prepareMachine();
} else console.error("not root: what needs root is skipped");

if (patterns.length === 0) runChecks(tally);
const files = globSync(["src/**/*.test.ts", "test/**/*.test.ts"])
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
// What runs alone measures or fills the machine; the rest shares its two cores.
const alone = files.filter((file) => /^test\/(crash|conformance)\//.test(file));
await runFiles(
  files.filter((file) => !alone.includes(file)),
  2,
);
await runFiles(alone, 1);

for (const { name, why } of tally.skipped) console.log(`skipped: ${name}: ${why}`);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;

function runChecks(tally: Tally): void {
  const check = spawnSync("sh", ["scripts/check.sh"], { stdio: "inherit" });
  if (check.status === 0) tally.passed++;
  else tally.failed++;
}

async function runFiles(files: string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const events = run({
    files,
    concurrency,
    execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
    timeout: 1_200_000,
  });
  for await (const event of events) {
    if (event.type === "test:pass") notePass(event.data);
    else if (event.type === "test:fail") noteFailure(event.data);
    else if (event.type === "test:stderr") process.stderr.write(event.data.message);
  }
}

type Ended = { name: string; file?: string; skip?: string | boolean; todo?: string | boolean; nesting: number };
type Details = { duration_ms: number; type?: string; error?: Error & { failureType?: string; cause?: unknown } };

function notePass(test: Ended & { details: Details }): void {
  if (test.details.type === "suite") return;
  if (test.skip !== undefined && test.skip !== false)
    tally.skipped.push({ name: test.name, why: test.skip === true ? "no reason given" : test.skip });
  else {
    tally.passed++;
    if (test.nesting === 0) console.log(`ok ${seconds(test.details)} ${place(test)}${test.name}`);
  }
}

function noteFailure(test: Ended & { details: Details }): void {
  // The parent of a failed subtest fails too: one failure, told once.
  if (test.details.error?.failureType === "subtestsFailed") return;
  tally.failed++;
  console.log(`FAILED ${seconds(test.details)} ${place(test)}${test.name}`);
  const cause = test.details.error?.cause ?? test.details.error;
  console.log(inspect(cause).replace(/^/gm, "    "));
}

function seconds(details: Details): string {
  return `${(details.duration_ms / 1000).toFixed(1)}s`;
}

function place(test: Ended): string {
  return test.file === undefined ? "" : `${test.file.replace(`${process.cwd()}/`, "")}: `;
}
