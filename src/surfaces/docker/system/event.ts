import type { Event } from "#core/events/event.ts";
import { exactInteger } from "../exact-integer.ts";
import type { Filters } from "../filters.ts";

export const eventFilterKeys = [
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "secret",
  "service",
  "type",
  "volume",
];

/** Types that Docker's clients know; the others are containerd's and CRI's. */
const dockerTypes = ["container", "image", "network", "volume", "daemon"];

/** Docker's message of an event; before 1.52 with the fields of ten years ago, which clients up to 25.0 need. */
export function toDockerEvent(event: Event, api: number): Record<string, unknown> {
  const message = {
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.actorId, Attributes: event.attributes },
    scope: "local",
    time: Number(event.timeNs / 1_000_000_000n),
    timeNano: exactInteger(event.timeNs),
  };
  if (api >= 52) return message;
  if (event.type === "container") {
    return { status: event.action, id: event.actorId, from: event.attributes["image"] ?? "", ...message };
  }
  return event.type === "image" ? { status: event.action, id: event.actorId, ...message } : message;
}

/** Source: moby daemon/events/filter.go. */
export function fitsEvent(event: Event, filters: Filters): boolean {
  const { type, action, attributes } = event;
  if (!dockerTypes.includes(type)) return false;
  // `exec_create: ls` fits `exec_create`.
  const fitsAction = (wanted: string) => action === wanted || action.startsWith(`${wanted}:`);
  return (
    filters.some("event", fitsAction) &&
    filters.some("type", (wanted) => wanted === type) &&
    filters.some("scope", (wanted) => wanted === "local") &&
    filters.some("daemon", (wanted) => type === "daemon" && isActor(event, wanted)) &&
    filters.some("container", (wanted) => type === "container" && isActor(event, wanted)) &&
    filters.some("volume", (wanted) => type === "volume" && isActor(event, wanted)) &&
    filters.some("network", (wanted) => type === "network" && isActor(event, wanted)) &&
    filters.some("image", (wanted) => isImage(event, wanted)) &&
    !["plugin", "secret", "config", "node", "service"].some((key) => filters.has(key)) &&
    filters.matchLabels(attributes)
  );
}

function isActor({ actorId, attributes }: Event, wanted: string): boolean {
  return actorId === wanted || attributes["name"] === wanted || (wanted !== "" && actorId.startsWith(wanted));
}

function isImage({ type, actorId, attributes }: Event, wanted: string): boolean {
  const name = type === "image" ? (attributes["name"] ?? actorId) : (attributes["image"] ?? "");
  const bare = name.replace(/:[^:/]*$/, "");
  return name === wanted || bare === wanted || actorId === wanted;
}
