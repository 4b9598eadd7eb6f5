const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/**
 * `1.98MB`: powers of 1000, `digits` significant digits (Docker lists with 3; `system df` and progress have 4).
 * Source: docker/go-units size.go.
 */
export function sizeText(bytes: number, digits = 3): string {
  return scale(bytes, 1000, decimalUnits, digits);
}

/** `23.54GiB`: powers of 1024, four significant digits, as `stats` and `info` have it. */
export function binarySizeText(bytes: number): string {
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
