import { open, readdir, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import { toLogError } from "#core/tasks/to-log-error.ts";
import type { ControlFifo } from "./control-fifo.ts";

const stepMs = 2;
/** From the message that was read to the new file: two system calls of the monitor. */
const openWaitMs = 10_000;

export type ReopenRequest = {
  readonly control: ControlFifo;
  readonly monitorPid: number;
  readonly logPath: string;
  readonly signal: AbortSignal;
};

/**
 * Has the monitor begin a new file at the log's path, and waits until it has. False when there is no monitor any more, and
 * no new file.
 *
 * Conmon makes `<path>.tmp` and renames it over the path. So it is not asked when it writes to the path already, which
 * would throw away what is there; and since it ends, and the container with it, when it cannot make that file, the file is
 * made before. One that is no longer there was renamed, though the monitor may have ended since: who took that for a
 * failure would put the old log over the container's last lines. Source: conmon src/ctr_logging.c, reopen_k8s_file.
 *
 * @throws notFound when the log's directory is gone @throws resourceExhausted when the disk is full
 */
export async function reopenMonitorLog({ control, monitorPid, logPath, signal }: ReopenRequest): Promise<boolean> {
  if (await writesTo(monitorPid, logPath)) return true;
  const temporary = `${logPath}.tmp`;
  await makeFile(temporary, logPath);
  let mayCome = await control.reopenLog();
  for (const end = performance.now() + openWaitMs; await isThere(temporary);) {
    if (!mayCome) {
      await rm(temporary, { force: true });
      return false;
    }
    if (performance.now() > end) throw new EngineError("deadlineExceeded", `log ${logPath}: not opened anew in 10 s`);
    await sleep(stepMs, undefined, { signal });
    // What it did before it ended is seen once more.
    mayCome = await isRunning(monitorPid);
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Not so for one that has ended and was not waited for yet: its files are closed. */
async function isRunning(pid: number): Promise<boolean> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length > 0;
}

async function makeFile(path: string, logPath: string): Promise<void> {
  try {
    await (await open(path, "a", 0o640)).close();
  } catch (error) {
    throw toLogError(error, logPath);
  }
}

/** Whether one of the process's files is the one at `path`. */
async function writesTo(pid: number, path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const directory = `/proc/${pid}/fd`;
  for (const fd of await readdir(directory).catch(() => [])) {
    const file = await stat(`${directory}/${fd}`).catch(() => undefined);
    if (file?.ino === found.ino && file.dev === found.dev) return true;
  }
  return false;
}
