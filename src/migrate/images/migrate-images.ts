import { EngineError, kindOf, messageOf, type ErrorKind } from "#base/errors.ts";
import { checkSpace, forecastSpace, type SpaceForecast } from "./check-space.ts";
import type { BrokenImage, DockerImage } from "./docker-store/docker-image.ts";
import type { DockerStore } from "./docker-store/docker-store.ts";
import { readOtherContainers, type DockerContainer } from "./docker-store/docker-containers.ts";
import { readVolumes, type DockerVolume } from "./docker-store/docker-volumes.ts";
import type { DiskNeed, ImageProof, ImagesPlan, ImageTarget } from "./image-target.ts";
import type { ImagesJournal } from "./journal.ts";
import { archiveBytes, planImages } from "./plan-images.ts";

export type MigrateImagesRequest = {
  readonly store: DockerStore;
  readonly target: ImageTarget;
  readonly journal: ImagesJournal;
  /** Names or IDs; empty: all. */
  readonly wanted: readonly string[];
  /** Only say what it would take. */
  readonly dryRun: boolean;
  /** Named volumes too, or only told of like containers; absent: nobody looks at them. */
  readonly volumes?: boolean;
  readonly onForecast?: (forecast: SpaceForecast[], plan: ImagesPlan) => void;
  readonly onProgress?: (progress: ImagesProgress) => void;
};

export type ImagesProgress = {
  readonly image: DockerImage;
  /** Which one this is, from 1. */
  readonly number: number;
  readonly count: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
};

export type MigratedImages = {
  readonly forecast: readonly SpaceForecast[];
  readonly proofs: readonly ImageProof[];
  /** Images that were left out. */
  readonly broken: readonly BrokenImage[];
  /** Everything that is no image: reported, and carried where that was asked for. */
  readonly volumes: readonly (DockerVolume & { readonly how: "carried" | "kept" | "left" })[];
  readonly containers: readonly DockerContainer[];
};

/**
 * Carries images into a target one by one, each verified by its DiffIDs and named last.
 *
 * An image that is damaged is left out and the rest goes on; a target that fails ends the run. Killed or aborted at any
 * moment, the same call goes on from where it was.
 *
 * @throws resourceExhausted before anything is written, when the disk will not do
 * @throws invalidArgument when volumes are wanted where the target has none
 */
export async function migrateImages(signal: AbortSignal, request: MigrateImagesRequest): Promise<MigratedImages> {
  const { store, target, journal, dryRun } = request;
  if (request.volumes === true && target.putVolume === undefined) {
    throw new EngineError("invalidArgument", `target ${target.name}: it has no volumes; only ferry has`);
  }
  const { plan, broken } = await planImages(signal, store, request.wanted);
  const { found, containers } = request.volumes === undefined ? nothing : await readOthers(signal, store.root);
  const carried = request.volumes === true ? found.filter(isCarried) : [];
  const forecast = await forecastSpace(withVolumes(await target.forecast(signal, plan), carried));
  request.onForecast?.(forecast, plan);
  checkSpace(forecast);
  const proofs: ImageProof[] = [];
  const carry = dryRun ? [] : plan.images;
  const totalBytes = archiveBytes(plan);
  let doneBytes = 0;
  for (const [at, image] of carry.entries()) {
    signal.throwIfAborted();
    const tell = (bytes: number) => {
      // What a damaged image had read of its layers counts again with the next one that has them.
      doneBytes = Math.min(doneBytes + bytes, totalBytes);
      request.onProgress?.({ image, number: at + 1, count: carry.length, doneBytes, totalBytes });
    };
    tell(0);
    try {
      proofs.push(await carryImage(signal, { target, journal }, image, plan, tell));
    } catch (error) {
      if (!isOfTheImage(error)) throw error;
      broken.push({ id: image.id, tags: image.tags, problem: messageOf(error) });
    }
  }
  const volumes: MigratedImages["volumes"][number][] = [];
  for (const volume of found) {
    const wanted = !dryRun && carried.includes(volume);
    volumes.push({ ...volume, how: wanted ? ((await target.putVolume?.(signal, volume)) ?? "left") : "left" });
  }
  return { forecast, proofs, broken, volumes, containers };
}

const nothing = { found: [], containers: [] };

async function readOthers(signal: AbortSignal, root: string) {
  const { all, others: containers } = await readOtherContainers(root);
  return { found: await readVolumes(signal, root, all), containers };
}

/** Docker's own names mean nothing elsewhere; what is mounted from elsewhere is there still. */
function isCarried({ anonymous, mounts }: DockerVolume): boolean {
  return !anonymous && mounts === undefined;
}

/** They go where the images go. */
function withVolumes([first, ...others]: readonly DiskNeed[], volumes: readonly DockerVolume[]): DiskNeed[] {
  if (first === undefined) return [];
  const bytes = volumes.reduce((sum, volume) => sum + volume.bytes, first.bytes);
  return [{ ...first, bytes }, ...others];
}

type Route = Pick<MigrateImagesRequest, "target" | "journal">;

async function carryImage(
  signal: AbortSignal,
  { target, journal }: Route,
  image: DockerImage,
  plan: ImagesPlan,
  tell: (bytes: number) => void,
): Promise<ImageProof> {
  const noted = journal.find(image.id);
  if (noted !== undefined && hasNames(noted, image) && (await target.has(signal, noted))) return noted;
  const proof = await target.put(signal, image, plan, tell);
  await journal.add(proof);
  return proof;
}

function hasNames(proof: ImageProof, { tags, digests }: DockerImage): boolean {
  return [...tags, ...digests].every((name) => proof.names.includes(name));
}

const ofTheImage: ReadonlySet<ErrorKind> = new Set(["dataLoss", "invalidArgument", "notFound"]);

/** Whether the image is at fault, and not the target or whoever waits. */
function isOfTheImage(error: unknown): boolean {
  return error instanceof EngineError && ofTheImage.has(kindOf(error));
}
