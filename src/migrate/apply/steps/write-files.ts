import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { FileChange, StepAction } from "../../plan/step.ts";
import { toDiskError } from "../disk-error.ts";
import { decodeSavedPaths, restorePaths, savePaths } from "../saved-files.ts";
import type { StepContext, StepRun } from "../step-run.ts";
import { hasChanged } from "./preflight.ts";

/** Writes whole files, and removes some; a file that is neither as expected nor as wanted stops it. */
export function writeFiles(context: StepContext, { files }: StepAction & { kind: "write-files" }): StepRun {
  const isDone = async () => {
    for (const file of files) if (!(await isWritten(context, file))) return false;
    return true;
  };
  return {
    save: async (call) => {
      const changed: string[] = [];
      for (const { path, expectSha256, content } of files) {
        changed.push(...[await hasChanged(context, path, expectSha256, content)].filter((why) => why !== undefined));
      }
      if (changed.length > 0) throw new EngineError("conflict", changed.join("; "));
      return await savePaths(
        call,
        context,
        files.map(({ path }) => path),
      );
    },
    check: isDone,
    do: async () => {
      for (const file of files) {
        if (await isWritten(context, file)) continue;
        await write(context, file).catch((error: unknown) => {
          throw toDiskError(`file ${file.path}`, error);
        });
        context.tell(file.content === null ? `removed ${file.path}` : `wrote ${file.path}`);
      }
    },
    verify: async () => {
      if (!(await isDone())) throw new EngineError("conflict", "files: somebody else writes them at the same time");
    },
    undo: async (call, saved) =>
      await restorePaths(call, context, decodeSavedPaths(new JsonReader(saved, "journal: write-files"))),
  };
}

async function write({ files }: StepContext, { path, content, mode }: FileChange): Promise<void> {
  if (content === null) return await files.remove(path);
  const owner = (await files.owner(path)) ?? { mode: 0o644, uid: 0, gid: 0 };
  await files.write(path, content, { ...owner, mode: mode ?? owner.mode });
}

async function isWritten({ files }: StepContext, { path, content, mode }: FileChange): Promise<boolean> {
  if (content === null) return !(await files.exists(path));
  const bytes = await files.find(path);
  if (bytes?.equals(Buffer.from(content)) !== true) return false;
  return mode === undefined || (await files.owner(path))?.mode === mode;
}
