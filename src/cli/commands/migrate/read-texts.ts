import type { HostRoot } from "#migrate/host/host-root.ts";
import type { Plan } from "#migrate/plan/step.ts";

/** Texts, as they are now, of the files that a plan changes; for diffs. */
export async function readTexts(root: HostRoot, plan: Plan): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const step of plan.steps) {
    for (const { path } of step.kind === "write-files" ? step.files : []) {
      const text = await root.findText(path);
      if (text !== undefined) texts.set(path, text);
    }
  }
  return texts;
}
