import type { Flags } from "./flags.ts";
import type { Session } from "./session.ts";

/** What a command gets of the line it was called with. */
export type Input = {
  readonly flags: Flags;
  /** Arguments that are no flags. */
  readonly args: readonly string[];
  /** As typed: `container ls`, for messages. */
  readonly name: string;
};

/** One command of the command line. */
export type Command = {
  /** After the name: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly summary: string;
  /** As {@link parseFlagTable} reads and help prints it. */
  readonly flags: string;
  readonly args: { readonly min: number; readonly max?: number };
  /** True when flags after the first argument belong to the container's command. */
  readonly stopAtFirstArgument?: true;
  /** A line or two to copy. */
  readonly example: string;
  /** Exit code when the command line itself is wrong; Docker's is 125 for `run`, 1 elsewhere. */
  readonly usageExitCode?: number;
  /** What completion offers for arguments. */
  readonly completes?: "containers" | "running" | "images" | "networks" | "volumes" | "pods";
  /** Resolves to the exit code. @throws CliError, DockerApiError, EngineError */
  readonly run: (session: Session, input: Input) => Promise<number>;
};
