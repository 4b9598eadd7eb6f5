import type { DockerCommand } from "../docker-command.ts";

export const toolNames = ["ferry", "nerdctl", "crictl", "ctr", "kubectl"] as const;
export type ToolName = (typeof toolNames)[number];

/** A docker command in a tool's words. */
export type Translation = {
  /** Undefined when the tool has nothing like it; a note says what to do then. */
  readonly line: string | undefined;
  /** What differs, lost flags first. */
  readonly notes: readonly string[];
};

export type Tool = (command: DockerCommand) => Translation;
