import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isKind, messageOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import type { ConmonTask } from "./conmon-task.ts";

const checkMs = 10_000;

/**
 * Keeps logs in bounds: moves a log that is too large to `<path>.<n>`, the highest n the newest, and has the monitor open
 * the path anew. (Conmon's own `--log-size-max` throws the old file away.) Until it has, it writes on into the moved
 * file, so no line is lost.
 */
export class LogRotator implements Disposable {
  readonly #tasks: () => Iterable<ConmonTask>;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #closed = new AbortController();
  #busy = false;

  constructor(tasks: () => Iterable<ConmonTask>, log: Logger) {
    this.#tasks = tasks;
    this.#log = log;
    this.#timer = setInterval(() => void this.check(), checkMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closed.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One after the other: it may take its time, not the machine's. */
  async check(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (const task of this.#tasks()) await this.#checkOne(task);
    } finally {
      this.#busy = false;
    }
  }

  async #checkOne(task: ConmonTask): Promise<void> {
    const { logPath, logMaxBytes, logMaxFiles } = task.record;
    if (logPath === undefined || logMaxBytes === undefined || task.exit !== undefined) return;
    try {
      const stats = await stat(logPath).catch(() => undefined);
      if (stats !== undefined && stats.size >= logMaxBytes)
        await rotateLog(task, { path: logPath, maxFiles: logMaxFiles ?? 1, signal: this.#closed.signal });
    } catch (error) {
      this.#log.warn({ containerId: task.ref.containerId }, `log rotation: ${messageOf(error)}`);
    }
  }
}

/** Leaves `maxFiles`, the one written to included. */
export async function rotateLog(
  task: Pick<ConmonTask, "reopenLog">,
  { path, maxFiles, signal }: { path: string; maxFiles: number; signal: AbortSignal },
): Promise<void> {
  const numbers = await rotatedNumbers(path);
  const next = `${path}.${(numbers.at(-1) ?? 0) + 1}`;
  await rename(path, next);
  try {
    await task.reopenLog({ signal });
  } catch (error) {
    if (!isKind(error, "failedPrecondition")) throw error;
    // The monitor ended in between: its log keeps its name.
    await rename(next, path);
    return;
  }
  const kept = await rotatedNumbers(path);
  const surplus = kept.slice(0, Math.max(0, kept.length - (maxFiles - 1)));
  await Promise.all(surplus.map((number) => rm(`${path}.${number}`, { force: true })));
}

async function rotatedNumbers(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(join(dirname(path)));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);
}
