import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 1;
/** Longest wait: another client that leaves at the same time hides the new one. */
const acceptWaitMs = 250;

/**
 * Connects to a monitor by `connect` and waits until the monitor has accepted.
 *
 * A connection stands as soon as it is in the listener's queue, but conmon sends output only to those that its main
 * loop has taken from there: on a busy machine a process started right after the attach has spoken before that.
 * Nothing in the protocol tells, so the monitor's count of descriptors does. One at a time per monitor.
 */
export async function connectAccepted<T>(monitorPid: number, connect: () => Promise<T>): Promise<T> {
  const before = await countDescriptors(monitorPid);
  const connected = await connect();
  for (const end = performance.now() + acceptWaitMs; performance.now() < end; await sleep(pollMs)) {
    const now = await countDescriptors(monitorPid);
    if (now === undefined || before === undefined || now > before) break;
  }
  return connected;
}

/** Undefined when there is no such process any more. */
async function countDescriptors(pid: number): Promise<number | undefined> {
  return await readdir(`/proc/${pid}/fd`).then(
    (names) => names.length,
    () => undefined,
  );
}
