import type { UnixNs } from "#base/clock.ts";
import type { Namespace } from "#core/call.ts";

export type EventType =
  | "container"
  | "image"
  | "network"
  | "volume"
  | "daemon"
  | "sandbox"
  | "content"
  | "snapshot"
  | "namespace";

/** A fact, published after it is committed. */
export type Event = {
  readonly namespace: Namespace;
  readonly timeNs: UnixNs;
  readonly type: EventType;
  /** Docker's word for it: `create`, `start`, `die`, `oom`, `exec_start: ls`, `health_status: healthy`, `pull`, … */
  readonly action: string;
  readonly actorId: string;
  /** Docker's attributes: `name`, `image`, `exitCode`, `signal`, and the labels of the actor. */
  readonly attributes: Readonly<Record<string, string>>;
};
