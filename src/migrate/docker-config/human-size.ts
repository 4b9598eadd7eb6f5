const powers: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * Bytes of a size as Docker's logging drivers read it, by powers of 1000: `10m` is 10,000,000; undefined for a text that
 * is none. Source: docker/go-units `FromHumanSize`.
 */
export function parseHumanSize(text: string): number | undefined {
  const [, amount, unit = ""] = /^(-?\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  return Math.trunc(Number(amount) * 1000 ** (powers[unit.toLowerCase()] ?? 0));
}

/** Bytes as a Kubernetes quantity with a decimal suffix: `10M`; nothing is rounded. */
export function quantityText(bytes: number): string {
  for (const [suffix, unit] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (bytes !== 0 && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}
