const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** `1.98MB`: powers of 1000, `digits` significant digits (Docker lists with 3, `system df` with 4). */
export function formatSize(bytes: number, digits = 3): string {
  return scale(bytes, 1000, decimalUnits, digits);
}

/** `23.54GiB`: powers of 1024, four significant digits, as `stats` and `info` have it. */
export function formatBinarySize(bytes: number): string {
  return scale(bytes, 1024, binaryUnits, 4);
}

function scale(bytes: number, base: number, units: readonly string[], digits: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${Number(size.toPrecision(digits))}${units[unit] ?? ""}`;
}

/** `About an hour`, `3 weeks`: a length of time as Docker words it. */
export function formatDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(ms / 3_600_000 / 24 / 365)} years`;
}

/** `3 minutes ago`, from a Unix time in seconds; `N/A` for none. */
export function formatAgo(unixSeconds: number, nowMs = Date.now()): string {
  return unixSeconds <= 0 ? "N/A" : `${formatDuration(nowMs - unixSeconds * 1000)} ago`;
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
