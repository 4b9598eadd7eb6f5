import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isKind } from "#base/errors.ts";
import { removeFile, removeTree } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import { runRuntime } from "./runtime-binary.ts";
import { ownFiles, type TaskPaths } from "./task-paths.ts";
import type { TaskRecord } from "./task-record.ts";

/** Idempotent: a runtime that knows no such container is content. */
export async function removeFromRuntime(call: Call, record: TaskRecord, name: string): Promise<void> {
  try {
    await runRuntime(call, record.binary, ["delete", "--force", name]);
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}

/** What a runtime (`.pid`) or monitor killed while it wrote a file leaves beside it. */
const temporaryName = /^(\.pid|(exit|monitor\.pid)\.[A-Za-z0-9]{6})$/;

/** The bundle too when nothing of anybody else's is in it. */
export async function removeOwnFiles(paths: TaskPaths, exitFile: string): Promise<void> {
  const own = new Set(ownFiles(paths));
  const there = (await readdir(paths.bundle).catch((): string[] => [])).filter(
    (name) => own.has(join(paths.bundle, name)) || temporaryName.test(name),
  );
  const files = there.map((name) => join(paths.bundle, name)).filter((path) => path !== paths.record);
  await Promise.all([
    removeFile(exitFile),
    ...files.map((file) => (file === paths.execs ? removeTree(file) : removeFile(file))),
  ]);
  await removeFile(paths.record);
  await rmdir(paths.bundle).catch(() => {});
}
