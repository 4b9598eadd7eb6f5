const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Whether `text` is RFC 3339 with at most nine digits behind the point. */
export function isCriTime(text: string): boolean {
  const [, seconds, , zone] = pattern.exec(text) ?? [];
  return seconds !== undefined && !Number.isNaN(Date.parse(`${seconds}${zone}`));
}

/** The same instant in UTC, each digit of the fraction kept. Times that end in `Z` come back as they are. */
export function toUtc(text: string): string {
  if (text.endsWith("Z")) return text;
  const [, seconds = "", fraction = "", zone = ""] = pattern.exec(text) ?? [];
  const shifted = new Date(`${seconds}${zone}`).toISOString();
  return `${shifted.slice(0, "2006-01-02T15:04:05".length)}${fraction}Z`;
}
