import { redact } from "#base/errors.ts";
import { sizeText } from "#base/size-text.ts";
import { unifiedDiff } from "../ledger/unified-diff.ts";
import { stepCommands } from "./step-commands.ts";
import type { FileChange, Plan, Requirement, Step } from "./step.ts";

export type RenderOptions = {
  /** Text of a file as it is now, for diffs; undefined where it is absent. */
  readonly textOf: (path: string) => string | undefined;
  /** Without diffs and commands: titles and reasons only. */
  readonly brief?: boolean;
};

/** A plan for people, as lines: what is found, what to know, and each step with its reason, its commands and diffs. */
export function renderPlan(plan: Plan, options: RenderOptions): string[] {
  return [
    `node ${plan.node}: ${plan.from.runtime} -> ${plan.target}`,
    `  kubelet ${plan.from.kubelet}, ${plan.from.layout}`,
    ...(plan.notes.length === 0 ? [] : ["", ...plan.notes.map((note) => `  ! ${note}`)]),
    ...plan.steps.flatMap((step) => ["", ...renderStep(step, options)]),
  ];
}

/** One step, as {@link renderPlan} shows it. */
function renderStep(step: Step, options: RenderOptions): string[] {
  const head = [`${step.id.slice(0, 2)}  ${step.title}`, `    ${step.why}`];
  if (options.brief === true) return head;
  const details = [...detailsOf(step), ...stepCommands(step).map((command) => `$ ${command}`)];
  const diffs = step.kind === "write-files" ? step.files.flatMap((file) => diffOf(file, options)) : [];
  return [...head, ...[...details, ...diffs].map((line) => `    ${line}`.trimEnd())];
}

function detailsOf(step: Step): string[] {
  if (step.kind === "preflight") return step.require.flatMap(requirementText);
  if (step.kind !== "snapshot") return [];
  return [`files: ${step.paths.join(" ")}`, `units: ${step.units.join(" ")}`];
}

function requirementText(requirement: Requirement): string[] {
  switch (requirement.t) {
    case "root":
      return ["needs root"];
    case "command":
      return [`needs ${requirement.name}`];
    case "free-space":
      return [spaceText(requirement)];
    case "api":
      return ["needs the Kubernetes API"];
    case "unchanged":
      return [];
    default:
      return requirement satisfies never;
  }
}

function spaceText({ path, bytes, inodes }: Requirement & { t: "free-space" }): string {
  const files = inodes === 0 ? "" : ` for ${inodes} files`;
  return `needs ${sizeText(bytes)}${files} at ${path}`;
}

/** Files that only root may read may hold passwords and keys: named, not shown. */
function diffOf({ path, content, mode, why }: FileChange, { textOf }: RenderOptions): string[] {
  const head = `${content === null ? "remove" : "write"} ${path}   (${why})`;
  if (mode !== undefined && (mode & 0o077) === 0) return [head];
  const diff = unifiedDiff(textOf(path), content ?? "", path);
  return [head, ...redact(diff).split("\n").slice(2, -1)];
}
