import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Ten in the long form of the tests (`FERRY_TEST_LONG=1`). */
export const killPoints = process.env["FERRY_TEST_LONG"] === undefined ? 3 : 10;

/** On a busy machine runs differ in length: one that had ended by itself is tried again, killed earlier. */
const maxTries = 8;

export type KillPlan = {
  /** What an undisturbed run takes. */
  readonly wholeMs: number;
  /** The command line, on a target of its own, whose name may be part of another one's. */
  readonly commandOn: (target: string) => readonly string[];
  /** Runs it again and looks. Called for runs that ended by themselves too. */
  readonly check: (target: string) => Promise<void>;
  /** Kills what the command relies on; default: the command itself. It is waited for in any case. */
  readonly kill?: () => Promise<void>;
};

/** Kills a run by SIGKILL at each of {@link killPoints} of its length. Answers how many runs that took. */
export async function killAtPoints(plan: KillPlan): Promise<number> {
  let runs = 0;
  for (let point = 0; point < killPoints; point++) {
    let atMs = plan.wholeMs * ((point + 0.5) / killPoints);
    for (let tries = 0; ; tries++) {
      const target = `${point}-${tries}`;
      const tookMs = await runAndKill(plan, target, atMs);
      runs++;
      await plan.check(target);
      if (tookMs === undefined) break;
      if (tries === maxTries)
        throw new Error(`point ${point}: ended by itself ${tries} times, at last in ${tookMs} ms`);
      atMs = Math.min(atMs, tookMs) * 0.8;
    }
  }
  return runs;
}

/** Undefined when it was killed, else how long it took. */
async function runAndKill(plan: KillPlan, target: string, atMs: number): Promise<number | undefined> {
  const [file = "", ...args] = plan.commandOn(target);
  const start = performance.now();
  const child = spawn(file, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  await Promise.race([exited, sleep(atMs)]);
  const isRunning = child.exitCode === null;
  if (isRunning && plan.kill !== undefined) await plan.kill();
  else if (isRunning) child.kill("SIGKILL");
  await exited;
  return isRunning ? undefined : performance.now() - start;
}
