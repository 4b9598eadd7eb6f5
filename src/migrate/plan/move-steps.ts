import { changeRuntime, emptyNode } from "./change-steps.ts";
import type { Move } from "./move.ts";
import { prepare } from "./prepare-steps.ts";
import { prove } from "./prove-steps.ts";
import type { Step } from "./step.ts";
import { Steps } from "./steps.ts";

/**
 * The steps of a move, in the order that loses least: everything that can be prepared while the node works, then the node
 * without pods, then the change, then proofs.
 *
 * Pods go while Docker is still up, so that their networks are taken down by those who made them; Docker stops before
 * images are read, so that nothing writes what is read; the kubelet starts last.
 */
export function moveSteps(move: Move): readonly Step[] {
  const steps = new Steps();
  prepare(move, steps);
  emptyNode(move, steps);
  changeRuntime(move, steps);
  prove(move, steps);
  return steps.list;
}

/** What is left on a node whose kubelet uses the target already. */
export function tidySteps(move: Move): readonly Step[] {
  const steps = new Steps();
  const files = move.runtimeFiles.filter(({ path }) => /^\/etc\/(crictl|modules-load|sysctl)/.test(path));
  if (files.length > 0) {
    steps.add(
      {
        id: "files",
        title: "Write what is missing",
        why: "The node works without, until its next boot or crictl's next use.",
      },
      { kind: "write-files", files },
    );
  }
  return steps.list;
}
