import type { UnixNs } from "#base/clock.ts";
import type { HealthCheck, RestartPolicy } from "#core/containers/container-config.ts";
import type { ContainerStatus, HealthLogEntry } from "#core/containers/container-status.ts";
import type { TaskExit } from "#core/tasks/runtime.ts";
import { healthAfter, newHealth } from "./health-status.ts";
import { nextDelayMs, restartsAfterExit } from "./restart-policy.ts";

/** What the machine looks at; `delayMs` is the last restart delay, 0 before the first. */
export type MachineState = {
  readonly status: ContainerStatus;
  readonly restart: RestartPolicy;
  readonly autoRemove: boolean;
  readonly healthCheck: HealthCheck | undefined;
  readonly delayMs: number;
};

export type MachineEvent =
  | { readonly t: "prepared" }
  | { readonly t: "started"; readonly pid: number; readonly atNs: UnixNs; readonly byUser: boolean }
  | { readonly t: "startFailed"; readonly exitCode: number; readonly error: string }
  | { readonly t: "exited"; readonly exit: TaskExit }
  /** A person wants it down; the signal follows. */
  | { readonly t: "stopAsked" }
  | { readonly t: "paused" }
  | { readonly t: "resumed" }
  | { readonly t: "probed"; readonly entry: HealthLogEntry }
  | { readonly t: "removing"; readonly volumes: boolean }
  /** The daemon came up and found it running. */
  | { readonly t: "adopted"; readonly pid: number; readonly paused: boolean };

/** What the runner does after the record is stored, in this order. */
export type Effect =
  | { readonly t: "endProbes" }
  /** Task, mounts and networks taken away. */
  | { readonly t: "release" }
  | { readonly t: "publish"; readonly action: string; readonly attributes: Readonly<Record<string, string>> }
  | { readonly t: "probe" }
  | { readonly t: "cancelRestart" }
  | { readonly t: "restartAfter"; readonly delayMs: number }
  /** Tell those who wait for an exit. */
  | { readonly t: "wake"; readonly exitCode: number }
  | { readonly t: "remove" };

export type Step = { readonly state: MachineState; readonly effects: readonly Effect[] };

/**
 * A container's life as a pure function; the states are drawn at `ContainerStatus`.
 *
 * Whether an event may come (a start of a running container) is the use case's to refuse; an event that does not fit
 * any more changes nothing.
 */
export function step(state: MachineState, event: MachineEvent): Step {
  const { status } = state;
  switch (event.t) {
    case "prepared":
      return to(state, { ...status, state: "created" }, [publish("create")]);
    case "started":
      return started(state, event);
    case "startFailed":
      return startFailed(state, event);
    case "exited":
      return isUp(status) ? exited(state, event.exit) : { state, effects: [] };
    case "stopAsked":
      return stopAsked(state);
    case "paused":
      if (status.state !== "running") return { state, effects: [] };
      return to(state, { ...status, state: "paused" }, [{ t: "endProbes" }, publish("pause")]);
    case "resumed":
      if (status.state !== "paused") return { state, effects: [] };
      return to(state, { ...status, state: "running" }, [publish("unpause"), ...probes(state)]);
    case "probed":
      return probed(state, event.entry);
    case "removing": {
      const next = { ...status, state: "removing", removesVolumes: event.volumes } as const;
      return to(state, next, [{ t: "endProbes" }, { t: "cancelRestart" }]);
    }
    case "adopted": {
      const next = { ...status, pid: event.pid, state: event.paused ? "paused" : "running" } as const;
      return to(state, next, event.paused ? [] : probes(state));
    }
  }
}

/** Whether there is a process. */
export function isUp(status: ContainerStatus): boolean {
  return status.state === "running" || status.state === "paused";
}

function started(state: MachineState, event: MachineEvent & { t: "started" }): Step {
  const { status, healthCheck } = state;
  const next: ContainerStatus = {
    ...status,
    state: "running",
    pid: event.pid,
    startedAtNs: event.atNs,
    exitCode: 0,
    oomKilled: false,
    error: "",
    restartCount: event.byUser ? 0 : status.restartCount,
    stoppedByUser: event.byUser ? false : status.stoppedByUser,
    ...(healthCheck === undefined ? {} : { health: newHealth }),
  };
  const fresh = event.byUser ? { ...state, delayMs: 0 } : state;
  return to(fresh, next, [publish("start"), ...probes(state)]);
}

function startFailed(state: MachineState, { exitCode, error }: MachineEvent & { t: "startFailed" }): Step {
  const ranBefore = state.status.startedAtNs !== undefined;
  const next: ContainerStatus = {
    ...state.status,
    state: ranBefore ? "exited" : "created",
    pid: 0,
    exitCode,
    error,
  };
  // Nobody is woken: Docker's clients, who wait before they start, hear of it from the start itself.
  const effects: Effect[] = [{ t: "release" }];
  if (state.autoRemove) effects.push({ t: "remove" });
  return to(state, next, effects);
}

function exited(state: MachineState, exit: TaskExit): Step {
  const { status } = state;
  const upMs = Number((exit.exitedAtNs - (status.startedAtNs ?? exit.exitedAtNs)) / 1_000_000n);
  const ended: ContainerStatus = {
    ...status,
    pid: 0,
    state: "exited",
    exitCode: exit.exitCode,
    oomKilled: exit.oomKilled,
    finishedAtNs: exit.exitedAtNs,
  };
  const effects: Effect[] = [{ t: "endProbes" }];
  if (exit.oomKilled) effects.push(publish("oom"));
  effects.push({ t: "release" });
  const execDuration = String(Math.max(0, Math.floor(upMs / 1000)));
  effects.push(publish("die", { exitCode: String(exit.exitCode), execDuration }));
  const wake: Effect = { t: "wake", exitCode: exit.exitCode };
  if (!restartsAfterExit(state.restart, ended)) {
    return to(state, ended, [...effects, wake, ...(state.autoRemove ? [{ t: "remove" } as const] : [])]);
  }
  const delayMs = nextDelayMs(state.delayMs, upMs);
  const again: ContainerStatus = { ...ended, state: "restarting", restartCount: status.restartCount + 1 };
  return to({ ...state, delayMs }, again, [...effects, wake, { t: "restartAfter", delayMs }]);
}

function stopAsked(state: MachineState): Step {
  const next = { ...state.status, stoppedByUser: true };
  if (next.state !== "restarting") return to(state, next, []);
  return to(state, { ...next, state: "exited" }, [{ t: "cancelRestart" }]);
}

function probed(state: MachineState, entry: HealthLogEntry): Step {
  const { status, healthCheck } = state;
  if (status.state !== "running" || healthCheck === undefined) return { state, effects: [] };
  const before = status.health ?? newHealth;
  const health = healthAfter(before, entry, healthCheck, status.startedAtNs ?? entry.startedAtNs);
  const changed = health.status !== before.status;
  return to(state, { ...status, health }, changed ? [publish(`health_status: ${health.status}`)] : []);
}

function probes({ healthCheck }: MachineState): Effect[] {
  return healthCheck === undefined ? [] : [{ t: "probe" }];
}

function publish(action: string, attributes: Readonly<Record<string, string>> = {}): Effect {
  return { t: "publish", action, attributes };
}

function to(state: MachineState, status: ContainerStatus, effects: readonly Effect[]): Step {
  return { state: { ...state, status }, effects };
}
