import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../call.ts";
import type { Step } from "../plan/step.ts";
import type { HostFiles } from "../host/host-files.ts";
import type { Commands } from "./commands.ts";
import type { Units } from "./units.ts";

/**
 * One step at work. The runner calls `save` and writes its answer into the journal before `do`; whatever is called may be
 * called again after a crash, with the machine anywhere between before and after.
 */
export type StepRun = {
  /** What must be known to go back, as JSON. Changes nothing but the undo directory. */
  readonly save: (call: Call) => Promise<unknown>;
  /** Whether the machine is already as `do` leaves it. */
  readonly check: (call: Call) => Promise<boolean>;
  readonly do: (call: Call) => Promise<void>;
  /** @throws EngineError saying what is not as it should be */
  readonly verify: (call: Call) => Promise<void>;
  /**
   * When a run goes on after an interruption, for a step that is done: brings about again what a reboot has undone since.
   * `later` are the steps behind it that were begun, whose word counts more.
   */
  readonly bringBack?: (call: Call, later: readonly Step[]) => Promise<void>;
  /** Puts back what was; `saved` is what `save` answered, from the journal. */
  readonly undo: (call: Call, saved: unknown) => Promise<void>;
  /** Of a step whose `undo` asks the API server: what a person would type in its place. */
  readonly undoByHand?: (saved: unknown) => string[];
  /**
   * On the way back, once every step is undone, last step first: what needs all old files in place, as the start of a
   * daemon that reads them. Can be repeated.
   */
  readonly settle?: (call: Call, saved: unknown) => Promise<void>;
};

/** The node that steps act on. */
export type Machine = {
  readonly files: HostFiles;
  readonly commands: Commands;
  readonly units: Units;
  /** The cluster's API, connected when it is first asked for. */
  readonly kubernetes: () => Promise<KubernetesClient>;
  /** How long the API server may be away in the middle of a step. */
  readonly apiTimeoutMs: number;
};

/** What a step's executor gets. */
export type StepContext = Machine & {
  /** The step's own; made and emptied by it. */
  readonly undoDirectory: string;
  /** A line of progress. */
  readonly tell: (text: string) => void;
};

/** For a step that changes nothing, or whose changes the way back does not need to know. */
export const nothingToUndo = {
  save: async (): Promise<unknown> => await Promise.resolve(null),
  undo: async (): Promise<void> => await Promise.resolve(),
};
