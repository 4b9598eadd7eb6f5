import { parseDurationMs } from "#base/go-duration.ts";

/**
 * A point in time as the API takes it, Unix seconds with a fraction: from a Unix time, RFC 3339 (parts may be left
 * off, local time without a zone), or a length of time before now.
 *
 * @throws Error
 */
export function parseMoment(text: string, nowMs = Date.now()): string {
  if (/^-?\d+(\.\d{1,9})?$/.test(text)) return text;
  if (/^\d{4}-\d\d/.test(text)) {
    const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
    if (Number.isNaN(ms)) throw new Error("not a time such as 2013-01-02T13:23:37Z");
    const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
    return `${Math.floor(ms / 1000)}.${fraction.padEnd(9, "0")}`;
  }
  const ago = parseDurationMs(text.replace(/^-/, ""));
  return ((text.startsWith("-") ? nowMs + ago : nowMs - ago) / 1000).toFixed(9);
}
