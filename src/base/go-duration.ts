const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `1m30s`, `500ms`: a span of time as Go writes it, as nanoseconds. @throws Error */
export function parseDurationNs(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) {
    throw new Error("not a duration such as 30s or 1m30s");
  }
  return Math.round(parts.reduce((sum, [, value, unit = ""]) => sum + Number(value) * (units[unit] ?? 0), 0));
}

/** As {@link parseDurationNs}, as milliseconds. */
export function parseDurationMs(text: string): number {
  return parseDurationNs(text) / 1e6;
}
