import type { PullProgress } from "#engine/pull-image.ts";
import type { PushProgress } from "#engine/push-image.ts";
import { message, type Message } from "../json-messages.ts";

/** Digits of a layer's digest that clients show. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}

const words = {
  waiting: "Pulling fs layer",
  alreadyExists: "Already exists",
  downloading: "Downloading",
  verifying: "Verifying Checksum",
  downloadComplete: "Download complete",
  extracting: "Extracting",
  pullComplete: "Pull complete",
} as const;

/** A layer's progress as the docker command draws it; undefined for what it does not draw. */
export function toPullMessage(progress: PullProgress): Message | undefined {
  if (progress.t === "resolved") return undefined;
  const id = shortDigest(progress.layer);
  if (progress.t === "downloading") {
    return message(words[progress.t], { id, current: progress.currentBytes, total: progress.totalBytes });
  }
  return message(words[progress.t], { id });
}

const pushWords = {
  preparing: "Preparing",
  layerExists: "Layer already exists",
  mounted: "Mounted",
  pushing: "Pushing",
  pushed: "Pushed",
} as const;

/** A blob's progress on its way to a registry. */
export function toPushMessage(progress: PushProgress): Message {
  const id = shortDigest(progress.layer);
  if (progress.t !== "pushing") return message(pushWords[progress.t], { id });
  return message(pushWords.pushing, { id, current: progress.currentBytes, total: progress.totalBytes });
}
