/** Of a program or a package. */
export type Version = { readonly major: number; readonly minor: number; readonly patch: number };

export function isBefore(one: Version, other: Version): boolean {
  if (one.major !== other.major) return one.major < other.major;
  return one.minor === other.minor ? one.patch < other.patch : one.minor < other.minor;
}

/** The first version in a text; without a patch (`1.7`), the newest is meant. Undefined where there is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  const patch = match[3] === undefined ? Infinity : Number(match[3]);
  return { major: Number(match[1]), minor: Number(match[2]), patch };
}
