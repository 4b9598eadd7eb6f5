/** A version's first numbers: `[1, 6, 4]`. */
export type Release = readonly [major: number, minor: number, patch: number];

/**
 * The least containerd for a Kubernetes minor, one per line of releases; a newer line is fine.
 *
 * Source: https://github.com/containerd/containerd/blob/main/RELEASES.md#kubernetes-support
 */
const supported: readonly (readonly [fromMinor: number, least: readonly Release[]])[] = [
  [36, [[2, 2, 0]]],
  [
    35,
    [
      [1, 7, 28],
      [2, 1, 5],
      [2, 2, 0],
    ],
  ],
  [
    34,
    [
      [1, 7, 28],
      [2, 0, 6],
      [2, 1, 3],
    ],
  ],
  [
    33,
    [
      [1, 7, 24],
      [2, 0, 4],
      [2, 1, 0],
    ],
  ],
  [
    32,
    [
      [1, 7, 24],
      [2, 0, 1],
      [2, 1, 0],
    ],
  ],
  [
    29,
    [
      [1, 6, 27],
      [1, 7, 11],
      [2, 0, 0],
    ],
  ],
  [
    26,
    [
      [1, 6, 15],
      [1, 7, 0],
      [2, 0, 0],
    ],
  ],
  [
    24,
    [
      [1, 6, 4],
      [1, 7, 0],
    ],
  ],
  [20, [[1, 5, 0]]],
  [19, [[1, 4, 0]]],
  [12, [[1, 3, 0]]],
];

export function parseRelease(text: string): Release | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** Whether this containerd serves a kubelet of `minor`; otherwise the least that does, as text. */
export function containerdProblem(containerd: Release, minor: number): { readonly needs: string } | undefined {
  const least = supported.find(([from]) => minor >= from)?.[1] ?? [];
  const [first] = least;
  if (first === undefined) return undefined;
  const line = least.find(([major, lineMinor]) => major === containerd[0] && lineMinor === containerd[1]);
  const last = least.at(-1) ?? first;
  const isFine = line === undefined ? compareReleases(containerd, last) >= 0 : compareReleases(containerd, line) >= 0;
  return isFine ? undefined : { needs: least.map((release) => release.join(".")).join(" or ") };
}

export function compareReleases(a: Release, b: Release): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
