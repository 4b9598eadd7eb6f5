import type { UnixNs } from "#base/clock.ts";
import type { ContainerStatus } from "#core/containers/container-status.ts";
import { durationText } from "#base/duration-text.ts";

/** Docker's word for a state. */
export function stateName(status: ContainerStatus): string {
  return status.state === "creating" ? "created" : status.state;
}

/** `Up 5 minutes (healthy)`, `Exited (1) 2 hours ago`. Source: moby daemon/container/state.go. */
export function statusText(status: ContainerStatus, now: UnixNs): string {
  const since = (ns: UnixNs | undefined) => durationText(ns === undefined ? 0 : Number((now - ns) / 1_000_000n));
  switch (status.state) {
    case "creating":
    case "created":
      return "Created";
    case "running":
      return `Up ${since(status.startedAtNs)}${healthText(status)}`;
    case "paused":
      return `Up ${since(status.startedAtNs)} (Paused)`;
    case "restarting":
      return `Restarting (${status.exitCode}) ${since(status.finishedAtNs)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "exited":
      return `Exited (${status.exitCode}) ${since(status.finishedAtNs)} ago`;
    default:
      return status.state satisfies never;
  }
}

function healthText({ health }: ContainerStatus): string {
  if (health === undefined) return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}
