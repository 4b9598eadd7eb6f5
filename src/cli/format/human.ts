import { durationText } from "#base/duration-text.ts";

/** `3 minutes ago`, from a Unix time in seconds; `N/A` for none. */
export function formatAgo(unixSeconds: number, nowMs = Date.now()): string {
  return unixSeconds <= 0 ? "N/A" : `${durationText(nowMs - unixSeconds * 1000)} ago`;
}

/** `2026-11-21 12:32:07 +0100 CET`: local time as Docker prints creation times. */
export function formatLocalTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const zone = `${offset < 0 ? "-" : "+"}${pad2(Math.abs(offset) / 60)}${pad2(Math.abs(offset) % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone} ${zoneName(date, offset)}`;
}

function pad2(value: number): string {
  return String(Math.trunc(value)).padStart(2, "0");
}

function zoneName(date: Date, offset: number): string {
  if (offset === 0) return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** The first 12 digits of an id, without its algorithm. */
export function shortId(id: string): string {
  const colon = id.indexOf(":");
  return (colon < 0 ? id : id.slice(colon + 1)).slice(0, 12);
}

/** `text` in at most `width` characters, the last one an ellipsis when some are left out. */
export function ellipsis(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}
