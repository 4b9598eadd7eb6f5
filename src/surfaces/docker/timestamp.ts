import { nowNs, parseRfc3339, type UnixNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";

/**
 * A point in time as clients give it: Unix seconds with up to nine decimals, RFC 3339, or a duration (`10m`, `1h30m`)
 * before now. Undefined when `text` is empty.
 *
 * @throws invalidArgument naming `parameter`
 */
export function parseTimestamp(text: string, parameter: string): UnixNs | undefined {
  if (text === "") return undefined;
  const time = parseSeconds(text) ?? parseRfc3339(text) ?? parseLocal(text) ?? ago(text);
  if (time !== undefined) return time;
  throw new EngineError("invalidArgument", `invalid value for "${parameter}": failed to parse value: ${text}`);
}

/** A Go duration in nanoseconds; undefined when `text` is none. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null) return undefined;
  let total = 0n;
  for (const [, number = "0", unit = "s"] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += BigInt(Math.round(Number(number) * (unitNs[unit] ?? 0)));
  }
  return match[1] === "-" ? -total : total;
}

const unitNs: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

function parseSeconds(text: string): UnixNs | undefined {
  const match = /^(-?\d{1,12})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (match === null) return undefined;
  const [, seconds = "0", fraction = ""] = match;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** `2026-11-21`, `2026-11-21T12:00`, without zone: UTC. */
function parseLocal(text: string): UnixNs | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?(Z?)$/.exec(text);
  if (match === null) return undefined;
  return parseRfc3339(`${match[1]}T${match[2] ?? "00:00"}${match[3] ?? ":00"}Z`);
}

function ago(text: string): UnixNs | undefined {
  const duration = parseDuration(text);
  return duration === undefined ? undefined : nowNs() - duration;
}
