import { formatRfc3339, type UnixNs } from "#base/clock.ts";

/** RFC 3339 as Go writes it: no zeros at the end of the fraction; the year 1 where there is no time. */
export function goTime(ns: UnixNs | undefined): string {
  if (ns === undefined) return "0001-01-01T00:00:00Z";
  return formatRfc3339(ns).replace(/\.?0+Z$/, "Z");
}
