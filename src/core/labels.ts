/** Free key-value notes on a record; keys by reverse domain (`containerd.io/gc.root`). */
export type Labels = Readonly<Record<string, string>>;

/** Changes to labels: a string sets, undefined removes. */
export type LabelPatch = Readonly<Record<string, string | undefined>>;

export function patchLabels(labels: Labels, patch: LabelPatch): Labels {
  const next: Record<string, string> = { ...labels };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) delete next[key];
    else next[key] = value;
  }
  return next;
}

/**
 * Labels that garbage collection follows (containerd's names, so that its clients' labels work here).
 * A suffix after a further dot or slash (`.l.0`) tells several apart.
 */
export const gcLabels = {
  /** On content or a snapshot: keep it, whatever refers to it. */
  root: "containerd.io/gc.root",
  /** On content: `…content.<suffix>` names a digest it needs. */
  content: "containerd.io/gc.ref.content",
  /** On content: `…snapshot.<snapshotter>` names a snapshot it needs. */
  snapshot: "containerd.io/gc.ref.snapshot",
  /** On a lease: RFC 3339 time after which it counts no more. On content or a snapshot: keep it until then. */
  expire: "containerd.io/gc.expire",
  /** On a lease: it keeps what it names, not what that leads to. */
  flat: "containerd.io/gc.flat",
} as const;
