/** Time as the engine keeps it: nanoseconds since the Unix epoch. */
export type UnixNs = bigint;

/** Now, by the system's clock. */
export function nowNs(): UnixNs {
  return Temporal.Now.instant().epochNanoseconds;
}

/** `2026-11-21T12:00:00.123456789Z`: RFC 3339 in UTC with nanoseconds, as the container log formats have it. */
export function formatRfc3339(ns: UnixNs): string {
  const seconds = floorDiv(ns, 1_000_000_000n);
  const fraction = (ns - seconds * 1_000_000_000n).toString().padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Reads RFC 3339 with up to nanoseconds and any offset; undefined when `text` is not that. */
export function parseRfc3339(text: string): UnixNs | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i.exec(text);
  if (match === null) return undefined;
  const [, head = "", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${head}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
