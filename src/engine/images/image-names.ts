import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import type { Image, ImageName } from "#core/images/image-store.ts";
import { formatFamiliar, formatReference, parseReference, type Reference } from "#core/images/reference.ts";
import type { Engine } from "../engine.ts";

export type NamesEngine = Pick<Engine, "images" | "locks">;

const danglingPrefix = "dangling@";

/** Name that keeps an image without any other. */
export function danglingName(digest: Digest): ImageName {
  return `${danglingPrefix}${digest}` as ImageName;
}

/** Name by digest: `docker.io/library/nginx@sha256:…`. */
export function digestName({ domain, path }: Reference, digest: Digest): ImageName {
  return formatReference({ domain, path, digest });
}

/** What a stored name is; undefined for a dangling one and for a name that another client made up. */
export function parseImageName(name: ImageName): Reference | undefined {
  if (name.startsWith(danglingPrefix)) return undefined;
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}

/** Names as Docker lists them: `nginx:latest` among tags, `nginx@sha256:…` among digests. */
export function familiarNames(names: readonly ImageName[]): { repoTags: string[]; repoDigests: string[] } {
  const repoTags: string[] = [];
  const repoDigests: string[] = [];
  for (const name of names) {
    const reference = parseImageName(name);
    if (reference === undefined) continue;
    const { digest, domain, path } = reference;
    if (digest === undefined) repoTags.push(formatFamiliar(reference));
    else repoDigests.push(formatFamiliar({ domain, path, digest }));
  }
  return { repoTags: [...new Set(repoTags)].sort(), repoDigests: [...new Set(repoDigests)].sort() };
}

/**
 * Points `names` at `target`. What a name pointed at before is kept as `dangling@…` when nothing else names it; the
 * target's own dangling name goes, it is needed no more. Answers whether any name is new or moved.
 */
export async function assignNames(
  call: Call,
  engine: NamesEngine,
  names: readonly ImageName[],
  target: Descriptor,
): Promise<{ changed: boolean; images: Image[] }> {
  using _lock = await lockImages(call, engine);
  const all = await engine.images.list(call);
  const moved = all.filter((image) => names.includes(image.name) && image.target.digest !== target.digest);
  for (const { target: old } of moved) {
    const others = all.filter(({ name, target }) => target.digest === old.digest && !names.includes(name));
    if (others.length === 0) await engine.images.put(call, danglingName(old.digest), old);
  }
  const images: Image[] = [];
  let changed = false;
  for (const name of names) {
    const { image, previous } = await engine.images.put(call, name, target);
    images.push(image);
    changed ||= previous?.target.digest !== target.digest;
  }
  const dangling = danglingName(target.digest);
  if (all.some(({ name }) => name === dangling) && !names.includes(dangling))
    await engine.images.delete(call, dangling);
  return { changed, images };
}

/** Held while names of a namespace are read and changed in one go; never across a transfer. */
export async function lockImages(call: Call, { locks }: Pick<Engine, "locks">): Promise<Disposable> {
  return await locks.acquire(`image/${call.namespace}`, call.signal);
}
