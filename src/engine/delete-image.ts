import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { chainIdsOf, type Digest } from "#core/content/digest.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { formatFamiliar, type Reference } from "#core/images/reference.ts";
import type { Engine } from "./engine.ts";
import { danglingName, lockImages, parseImageName, type NamesEngine } from "./images/image-names.ts";
import { readImage } from "./images/read-image.ts";
import { imagesWithIds, resolveImage, type ResolvedImage, type ResolveEngine } from "./resolve-image.ts";

export type DeleteEngine = ResolveEngine & NamesEngine & Pick<Engine, "containers" | "events" | "garbage">;

export type DeletedImage = {
  /** Names that are gone, as people write them. */
  readonly untagged: readonly string[];
  /** ID of the image that is gone, then ChainIDs of the layers that no other image has, topmost first. */
  readonly deleted: readonly string[];
};

/**
 * Takes a name from an image, and the image itself with its last name.
 *
 * By ID all names go, if they are of one repository or with `force`. An image in use by a running container stays;
 * `force` passes a stopped one, and takes a name even then. Bytes go with the next garbage collection.
 * Publishes `untag` and `delete`.
 *
 * @throws notFound @throws conflict with Docker's texts
 */
export async function deleteImage(
  call: Call,
  engine: DeleteEngine,
  request: { reference: string; force?: boolean },
): Promise<DeletedImage> {
  using _lock = await lockImages(call, engine);
  const image = await resolveImage(call, engine, request.reference);
  const users = (await engine.containers.list(call)).filter((container) => container.image.id === image.id);
  const force = request.force ?? false;
  const gone = namesToRemove(image, request.reference, users, force);
  const remain = image.names.filter((name) => !gone.includes(name));
  if (remain.length > 0) return await untag(call, engine, image, gone);
  if (image.name !== undefined && users.some(isActive)) {
    // The name goes; what containers stand on stays, without a name.
    await engine.images.put(call, danglingName(image.target.digest), image.target);
    return await untag(call, engine, image, gone);
  }
  const layers = await ownLayers(call, engine, image);
  const { untagged } = await untag(call, engine, image, gone);
  publish(call, engine, "delete", image.id, image.id);
  return { untagged, deleted: [image.id, ...layers.reverse()] };
}

function namesToRemove(
  image: ResolvedImage,
  reference: string,
  users: readonly Container[],
  force: boolean,
): ImageName[] {
  if (image.name === undefined) {
    checkById(image, users, force);
    return [...image.names];
  }
  const own = parseImageName(image.name);
  const lastOfRepository = image.names.every((name) => name === image.name || isDigestOf(parseImageName(name), own));
  const [user] = users;
  if (user !== undefined && lastOfRepository && !force) {
    const short = `container ${user.id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`;
    throw new EngineError(
      "conflict",
      `conflict: unable to remove repository reference "${reference}" (must force) - ${short}`,
    );
  }
  if (own?.tag === undefined) return [image.name];
  // With the repository's last tag its digests go too, as Docker does it.
  const tagsLeft = image.names.some((name) => name !== image.name && isTagOf(parseImageName(name), own));
  if (tagsLeft) return [image.name];
  return image.names.filter((name) => name === image.name || isDigestOf(parseImageName(name), own));
}

function checkById({ id, names }: ResolvedImage, users: readonly Container[], force: boolean): void {
  const refuse = (why: string, can: "must be forced" | "cannot be forced"): never => {
    throw new EngineError("conflict", `conflict: unable to delete ${shortId(id)} (${can}) - ${why}`);
  };
  const running = users.find(isActive);
  if (running !== undefined) {
    refuse(`image is being used by running container ${running.id.slice(0, 12)}`, "cannot be forced");
  }
  if (force) return;
  const tags = names.map(parseImageName).filter((name) => name?.tag !== undefined);
  const repositories = new Set(names.map(parseImageName).map((name) => `${name?.domain}/${name?.path}`));
  if (tags.length > 1 || repositories.size > 1)
    refuse("image is referenced in multiple repositories", "must be forced");
  const [stopped] = users;
  if (stopped !== undefined) {
    refuse(`image is being used by stopped container ${stopped.id.slice(0, 12)}`, "must be forced");
  }
}

function isActive({ status }: Container): boolean {
  return ["running", "paused", "restarting"].includes(status.state);
}

async function untag(
  call: Call,
  engine: DeleteEngine,
  image: ResolvedImage,
  names: readonly ImageName[],
): Promise<DeletedImage> {
  const untagged: string[] = [];
  for (const name of names) {
    await engine.images.delete(call, name);
    const reference = parseImageName(name);
    if (reference === undefined) continue;
    untagged.push(formatFamiliar(reference));
    publish(call, engine, "untag", image.id, formatFamiliar(reference));
  }
  engine.garbage.schedule();
  return { untagged, deleted: [] };
}

/** ChainIDs of the image's layers, lowest first, that no other image of the namespace has. */
async function ownLayers(call: Call, engine: DeleteEngine, image: ResolvedImage): Promise<string[]> {
  const others = (await imagesWithIds(call, engine)).filter(({ id }) => id !== image.id);
  const targets = new Map(others.map(({ image: other }) => [other.target.digest, other.target]));
  const shared = new Set<string>();
  for (const target of targets.values()) {
    for (const chainId of chainIdsOf((await readImage(call, engine, target)).config.diffIds)) shared.add(chainId);
  }
  return chainIdsOf(image.config.diffIds).filter((chainId) => !shared.has(chainId));
}

function publish(call: Call, engine: DeleteEngine, action: string, actorId: Digest, name: string): void {
  engine.events.publish({ namespace: call.namespace, type: "image", action, actorId, attributes: { name } });
}

function isDigestOf(name: Reference | undefined, repository: Reference | undefined): boolean {
  return name?.digest !== undefined && isSameRepository(name, repository);
}

function isTagOf(name: Reference | undefined, repository: Reference | undefined): boolean {
  return name?.tag !== undefined && isSameRepository(name, repository);
}

function isSameRepository(a: Reference, b: Reference | undefined): boolean {
  return a.domain === b?.domain && a.path === b.path;
}

/** Twelve digits, as Docker's clients show IDs. */
function shortId(id: Digest): string {
  return id.slice("sha256:".length, "sha256:".length + 12);
}
