import type { UnixNs } from "#base/clock.ts";
import type { HealthCheck } from "#core/containers/container-config.ts";
import type { HealthLogEntry, HealthStatus } from "#core/containers/container-status.ts";

const remembered = 5;

export const newHealth: HealthStatus = { status: "starting", failingStreak: 0, log: [] };

/**
 * Health after one more probe: one success is healthy; `retries` failures in a row are unhealthy, those within the
 * start period not counted while it is still starting.
 */
export function healthAfter(
  before: HealthStatus,
  entry: HealthLogEntry,
  check: HealthCheck,
  startedAtNs: UnixNs,
): HealthStatus {
  const log = [...before.log, entry].slice(-remembered);
  if (entry.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  const upMs = Number((entry.startedAtNs - startedAtNs) / 1_000_000n);
  if (before.status === "starting" && upMs < check.startPeriodMs) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= check.retries ? "unhealthy" : before.status, failingStreak, log };
}

/** Wait before the next probe: the start interval while starting within the start period, else the interval. */
export function probeDelayMs(health: HealthStatus, check: HealthCheck, upMs: number): number {
  return health.status === "starting" && upMs < check.startPeriodMs ? check.startIntervalMs : check.intervalMs;
}
