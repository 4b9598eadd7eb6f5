import type { UnixNs } from "#base/clock.ts";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";
import { deleteImage, type DeletedImage, type DeleteEngine } from "./delete-image.ts";
import { hasLabel, listImages, type ImageSummary, type ListEngine } from "./list-images.ts";

export type PruneRequest = {
  /** All that no container uses, instead of those without a tag. */
  readonly all?: boolean;
  /** Only those made before. */
  readonly untilNs?: UnixNs;
  /** `key` or `key=value` that an image must have; with `exclude` must not have. */
  readonly labels?: readonly string[];
  readonly excludeLabels?: readonly string[];
};

export type PrunedImages = DeletedImage & { readonly reclaimedBytes: number };

/** Removes images that no container uses. What comes into use meanwhile stays, and the pods' sandbox image. */
export async function pruneImages(
  call: Call,
  engine: ListEngine & DeleteEngine & Pick<Engine, "events" | "sandboxImage">,
  request: PruneRequest,
): Promise<PrunedImages> {
  const images = await listImages(call, engine, { labels: request.labels ?? [] });
  const untagged: string[] = [];
  const deleted: string[] = [];
  let reclaimedBytes = 0;
  for (const image of images.filter(
    (summary) => isPruned(summary, request) && !engine.sandboxImage.isPinned(call, summary.names),
  )) {
    try {
      const gone = await deleteImage(call, engine, { reference: image.id, force: true });
      untagged.push(...gone.untagged);
      deleted.push(...gone.deleted);
      if (gone.deleted.length > 0) reclaimedBytes += image.sizeBytes;
    } catch (error) {
      if (!isKind(error, "conflict", "notFound")) throw error;
    }
  }
  engine.events.publish({
    namespace: call.namespace,
    type: "image",
    action: "prune",
    actorId: "",
    attributes: { reclaimed: String(reclaimedBytes) },
  });
  return { untagged, deleted, reclaimedBytes };
}

function isPruned(image: ImageSummary, { all, untilNs, excludeLabels }: PruneRequest): boolean {
  if (image.containers > 0 || (all !== true && image.repoTags.length > 0)) return false;
  if (untilNs !== undefined && (image.createdAtNs ?? 0n) >= untilNs) return false;
  return !(excludeLabels ?? []).some((label) => hasLabel(image.labels, label));
}
