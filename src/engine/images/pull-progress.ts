import type { Digest } from "#core/content/digest.ts";

/** What a pull does, per layer. The words are Docker's. */
export type PullProgress =
  /** The reference stands for this index or manifest. */
  | { readonly t: "resolved"; readonly digest: Digest }
  | {
      readonly t: "waiting" | "alreadyExists" | "downloadComplete" | "extracting" | "pullComplete";
      readonly layer: Digest;
    }
  | {
      readonly t: "downloading" | "verifying";
      readonly layer: Digest;
      readonly currentBytes: number;
      readonly totalBytes: number;
    };

const minIntervalMs = 100;

/** `listener`, spared of what comes faster than a person can read; changes of state always pass. */
export function progressOf(listener: ((progress: PullProgress) => void) | undefined): (progress: PullProgress) => void {
  if (listener === undefined) return () => {};
  const last = new Map<Digest, { t: string; atMs: number }>();
  return (progress) => {
    if (progress.t === "resolved") return listener(progress);
    const nowMs = performance.now();
    const before = last.get(progress.layer);
    const isTick = progress.t === before?.t && nowMs - before.atMs < minIntervalMs;
    if (isTick) return;
    last.set(progress.layer, { t: progress.t, atMs: nowMs });
    listener(progress);
  };
}
