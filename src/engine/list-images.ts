import { isKind } from "#base/errors.ts";
import { parseRfc3339, type UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import { chainIdsOf, type Digest } from "#core/content/digest.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Image, ImageName } from "#core/images/image-store.ts";
import type { SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";
import { familiarNames, parseImageName } from "./images/image-names.ts";
import { matchesAnyReference } from "./images/match-reference.ts";
import { readImage, type ReadImage } from "./images/read-image.ts";
import { imagesWithIds, type ResolveEngine } from "./resolve-image.ts";

export type ImageSummary = {
  /** Digest of the config. */
  readonly id: Digest;
  readonly names: readonly ImageName[];
  /** `nginx:latest`, sorted; empty for a dangling image. */
  readonly repoTags: readonly string[];
  /** `nginx@sha256:…`, sorted. */
  readonly repoDigests: readonly string[];
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  /** From the config; undefined where it does not say. */
  readonly createdAtNs?: UnixNs;
  /** What its layers take unpacked; compressed where they are not unpacked. */
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  /** As the config names it; empty is root. */
  readonly user: string;
  /** How many containers of the namespace are made from it. */
  readonly containers: number;
};

/** What a list keeps. Each member that is set must hold. */
export type ImageFilter = {
  /** Patterns for familiar names: `nginx`, `nginx:1*`, `quay.io/*\/x`. */
  readonly references?: readonly string[];
  /** Without any tag, or only with. */
  readonly dangling?: boolean;
  /** `key` or `key=value`, all of them. */
  readonly labels?: readonly string[];
  /** Made before or after these times. */
  readonly beforeNs?: UnixNs;
  readonly sinceNs?: UnixNs;
};

export type ListEngine = ResolveEngine & Pick<Engine, "snapshotters" | "containers">;

/** Images of the namespace by ID, the newest first. */
export async function listImages(call: Call, engine: ListEngine, filter: ImageFilter = {}): Promise<ImageSummary[]> {
  const groups = Map.groupBy(await imagesWithIds(call, engine), ({ id }) => id);
  const used = Map.groupBy(await engine.containers.list(call), ({ image }) => image.id);
  const sizes = new Map<string, Promise<number | undefined>>();
  const summaries = [...groups].map(async ([id, members]) => {
    const images = members.map(({ image }) => image);
    return await summarise(call, engine, { images, sizes, containers: used.get(id)?.length ?? 0 });
  });
  const all = await Promise.all(summaries);
  return all
    .flatMap((summary) => narrow(summary, filter) ?? [])
    .sort((a, b) => Number((b.createdAtNs ?? 0n) - (a.createdAtNs ?? 0n)) || (a.id < b.id ? -1 : 1));
}

/**
 * Bytes that the layers take unpacked by the default snapshotter, lowest first; compressed where they are not.
 * `known`: what was found of layers so far, for a caller that asks about many images.
 */
export async function layerSizes(
  call: Call,
  engine: Pick<Engine, "snapshotters" | "settings">,
  { config, document }: ReadImage,
  known = new Map<string, Promise<number | undefined>>(),
): Promise<number[]> {
  const sizes = chainIdsOf(config.diffIds).map(async (chainId, at) => {
    const unpacked = known.get(chainId) ?? unpackedBytes(call, engine, chainId as string as SnapshotName);
    known.set(chainId, unpacked);
    return (await unpacked) ?? document.layers[at]?.sizeBytes ?? 0;
  });
  return await Promise.all(sizes);
}

async function unpackedBytes(
  call: Call,
  { snapshotters, settings }: Pick<Engine, "snapshotters" | "settings">,
  name: SnapshotName,
): Promise<number | undefined> {
  try {
    return (await snapshotters.get(settings.defaultSnapshotter)?.usage(call, name))?.sizeBytes;
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

type Group = {
  readonly images: readonly Image[];
  readonly sizes: Map<string, Promise<number | undefined>>;
  readonly containers: number;
};

async function summarise(
  call: Call,
  engine: ListEngine,
  { images, sizes: known, containers }: Group,
): Promise<ImageSummary> {
  const image = images.find(({ name }) => parseImageName(name)?.tag !== undefined) ?? images[0];
  if (image === undefined) throw new Error("a group has a member");
  const read = await readImage(call, engine, image.target);
  const sizes = await layerSizes(call, engine, read, known);
  const names = images.map(({ name }) => name);
  const createdAtNs = parseRfc3339(read.config.created ?? "");
  return {
    id: read.id,
    names,
    ...familiarNames(names),
    target: image.target,
    manifest: read.manifest,
    ...(createdAtNs === undefined ? {} : { createdAtNs }),
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    labels: read.config.config.labels,
    user: read.config.config.user,
    containers,
  };
}

/** The summary with the names that fit; undefined when it does not fit at all. */
function narrow(summary: ImageSummary, filter: ImageFilter): ImageSummary | undefined {
  const { createdAtNs = 0n, labels } = summary;
  if (filter.beforeNs !== undefined && createdAtNs >= filter.beforeNs) return undefined;
  if (filter.sinceNs !== undefined && createdAtNs <= filter.sinceNs) return undefined;
  if (!(filter.labels ?? []).every((wanted) => hasLabel(labels, wanted))) return undefined;
  if (filter.dangling !== undefined && filter.dangling !== (summary.repoTags.length === 0)) return undefined;
  const { references } = filter;
  if (references === undefined || references.length === 0) return summary;
  const repoTags = summary.repoTags.filter((name) => matchesAnyReference(name, references));
  const repoDigests = summary.repoDigests.filter((name) => matchesAnyReference(name, references));
  return repoTags.length + repoDigests.length === 0 ? undefined : { ...summary, repoTags, repoDigests };
}

/** Whether `labels` has `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1);
}
