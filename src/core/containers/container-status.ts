import type { UnixNs } from "#base/clock.ts";

export type HealthLogEntry = {
  readonly startedAtNs: UnixNs;
  readonly endedAtNs: UnixNs;
  readonly exitCode: number;
  readonly output: string;
};

export type HealthStatus = {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  /** The last five. */
  readonly log: readonly HealthLogEntry[];
};

/**
 * Where a container is in its life.
 * ```
 *   creating ──► created ──► running ◄──► paused
 *                   ▲          │  ▲
 *                   │          ▼  │ restart policy, start
 *                (start)    exited ──► removing ──► (gone)
 * ```
 * `creating` and `removing` are what a crash leaves: recovery finishes the removal of either.
 */
export type ContainerStatus = {
  readonly state: "creating" | "created" | "running" | "paused" | "restarting" | "exited" | "removing" | "dead";
  /** 0 when there is no process. */
  readonly pid: number;
  readonly startedAtNs?: UnixNs;
  readonly finishedAtNs?: UnixNs;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it did not start. */
  readonly error: string;
  readonly restartCount: number;
  /** A person stopped it: `unless-stopped` stays down, and no policy acts until it is started again. */
  readonly stoppedByUser: boolean;
  readonly health?: HealthStatus;
  /** While `removing`: its anonymous volumes go too, also when a later start finishes the removal. */
  readonly removesVolumes?: boolean;
};

export const newStatus: ContainerStatus = {
  state: "creating",
  pid: 0,
  exitCode: 0,
  oomKilled: false,
  error: "",
  restartCount: 0,
  stoppedByUser: false,
};
