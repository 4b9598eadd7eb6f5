import { statfs } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { EngineError, messageOf } from "#base/errors.ts";
import { sizeText } from "#base/size-text.ts";
import { within, type Call } from "../../call.ts";
import type { Requirement, StepAction } from "../../plan/step.ts";
import { nodePath } from "../cluster-node.ts";
import { nothingToUndo, type Machine, type StepContext, type StepRun } from "../step-run.ts";

/** Refuses early, with everything that is missing at once. */
export function preflight(context: StepContext, action: StepAction & { kind: "preflight" }): StepRun {
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const missing: string[] = [];
      for (const requirement of action.require) {
        const why = await isMissing(call, context, requirement);
        if (why !== undefined) missing.push(why);
      }
      if (missing.length > 0) throw new EngineError("failedPrecondition", `node: ${missing.join("; ")}`);
    },
    verify: async () => await Promise.resolve(),
  };
}

/** What stands in the way, or undefined. */
async function isMissing(call: Call, context: StepContext, requirement: Requirement): Promise<string | undefined> {
  switch (requirement.t) {
    case "root":
      return process.getuid?.() === 0 ? undefined : "needs root";
    case "command":
      return (await context.commands.has(call, requirement.name)) ? undefined : `needs the command ${requirement.name}`;
    case "free-space":
      return await lacksSpace(context, requirement);
    case "api":
      return await isUnreachable(call, context, requirement.node);
    case "unchanged":
      return await hasChanged(context, requirement.path, requirement.sha256);
    default:
      return requirement satisfies never;
  }
}

async function isUnreachable(call: Call, context: StepContext, node: string): Promise<string | undefined> {
  try {
    const client = await context.kubernetes();
    await client.get(within(call, 20_000), nodePath(node));
    return undefined;
  } catch (error) {
    if (call.signal.aborted) throw error;
    return messageOf(error);
  }
}

/** Says so when a file is not as it was when the plan was made; `alsoFine` is its new text, from a run before. */
export async function hasChanged(
  { files }: Machine,
  path: string,
  expectSha256: string | null,
  alsoFine?: string | null,
): Promise<string | undefined> {
  const bytes = await files.find(path);
  const sha256 = bytes === undefined ? null : createHash("sha256").update(bytes).digest("hex");
  if (sha256 === expectSha256) return undefined;
  if (alsoFine !== undefined && (bytes?.toString() ?? null) === alsoFine) return undefined;
  if (bytes === undefined) return `${path} has gone since the plan was made`;
  return `${path} ${expectSha256 === null ? "has come" : "has changed"} since the plan was made: make the plan again`;
}

async function lacksSpace(
  { files }: StepContext,
  { path, bytes, inodes }: Requirement & { t: "free-space" },
): Promise<string | undefined> {
  let at = path;
  while (at !== "/" && !(await files.exists(at))) at = dirname(at);
  const { bavail, bsize, ffree, files: total } = await statfs(await files.locate(at));
  if (bavail * bsize < bytes) return `${path} needs ${sizeText(bytes)}, ${sizeText(bavail * bsize)} are free`;
  // Filesystems without a table of inodes say that they have none at all.
  if (total > 0 && ffree < inodes) return `${path} needs ${inodes} inodes, ${ffree} are free`;
  return undefined;
}
