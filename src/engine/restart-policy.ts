import type { RestartPolicy } from "#core/containers/container-config.ts";
import type { ContainerStatus } from "#core/containers/container-status.ts";

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** After this long up, the next restart is quick again. */
const settledMs = 10_000;

/** Delay before the next restart: 100 ms, doubled each time to a minute; begun anew after 10 s up. Source: moby `restartmanager`. */
export function nextDelayMs(previousDelayMs: number, upMs: number): number {
  if (upMs >= settledMs || previousDelayMs === 0) return firstDelayMs;
  return Math.min(previousDelayMs * 2, longestDelayMs);
}

/** Whether the policy starts a container again that has just ended with what `status` says. */
export function restartsAfterExit(policy: RestartPolicy, status: ContainerStatus): boolean {
  if (status.stoppedByUser) return false;
  return wantsRestart(policy, status);
}

/** Whether the policy starts a container when the daemon comes up: `always` even after a person stopped it. */
export function restartsAtBoot(policy: RestartPolicy, status: ContainerStatus): boolean {
  if (status.startedAtNs === undefined) return false;
  if (status.stoppedByUser) return policy.name === "always";
  return wantsRestart(policy, status);
}

function wantsRestart(policy: RestartPolicy, status: ContainerStatus): boolean {
  switch (policy.name) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return status.exitCode !== 0 && (policy.maxRetries === 0 || status.restartCount < policy.maxRetries);
  }
}
