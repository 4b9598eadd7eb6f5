import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Ten in the long form of the tests (`FERRY_TEST_LONG=1`). */
export const killPoints = process.env["FERRY_TEST_LONG"] === undefined ? 3 : 10;

/**
 * Runs a command for each of {@link killPoints} of its run: killed there with SIGKILL, then `check`, which runs it again.
 *
 * `commandAt` makes the command line of a point, on a target of its own; `wholeMs` is what an undisturbed run takes.
 * Answers how many were killed before they had ended by themselves.
 */
export async function killAtPoints(
  wholeMs: number,
  commandAt: (point: number) => readonly string[],
  check: (point: number) => Promise<void>,
): Promise<number> {
  let killed = 0;
  for (let point = 0; point < killPoints; point++) {
    const [file = "", ...args] = commandAt(point);
    const child = spawn(file, args, { stdio: "ignore" });
    const exited = once(child, "exit");
    await Promise.race([exited, sleep(wholeMs * ((point + 0.5) / killPoints))]);
    if (child.kill("SIGKILL")) killed++;
    await exited;
    await check(point);
  }
  return killed;
}
