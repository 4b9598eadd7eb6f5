import { access, readFile, stat } from "node:fs/promises";
import type { TaskExit } from "#core/tasks/runtime.ts";
import type { TaskPaths } from "./task-paths.ts";

/** The exit that the monitor wrote, with the time it did; undefined before. */
export async function findExit(paths: TaskPaths): Promise<TaskExit | undefined> {
  const text = await readFile(paths.exit, "utf8").catch(() => "");
  if (!/^-?\d+$/.test(text.trim())) return undefined;
  const [written, oomKilled] = await Promise.all([stat(paths.exit, { bigint: true }), exists(paths.oom)]);
  // Conmon writes -1 where it never learnt the status.
  const code = Number(text);
  return { exitCode: code < 0 ? 137 : code & 0xff, exitedAtNs: written.mtimeNs, oomKilled };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
