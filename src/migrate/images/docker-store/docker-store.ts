import { join } from "node:path";
import { EngineError, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { chainIdsOf, digestOf, hexOf, isDigest, type ChainId, type Digest } from "#core/content/digest.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import { maxManifestBytes } from "#core/images/manifest.ts";
import { formatReference, parseReference } from "#core/images/reference.ts";
import type { BrokenImage, DockerImage, DockerLayer } from "./docker-image.ts";
import { findStorageDriver, type StorageDriver } from "./storage-driver.ts";
import { findStoreLine, isDirectory, listDirectory, readStoreFile } from "./store-files.ts";

export type DockerStore = {
  readonly root: string;
  readonly driver: string;
  readonly images: readonly DockerImage[];
  readonly broken: readonly BrokenImage[];
};

export type StoreOptions = {
  readonly driver?: string;
  /** Images without a name too, where no other image was built on them. */
  readonly dangling?: boolean;
};

const maxRepositoriesBytes = 64 * 1024 * 1024;
const maxLayers = 1024;

/**
 * Reads what images a stopped Docker's data root has; no layer's content yet.
 *
 * The directory is input like any other: names in it are checked, no link is followed, sizes are bounded. An image of
 * which something is missing or not what it says is among `broken`.
 *
 * Source: moby v20.10.24 image/fs.go, reference/store.go, layer/filestore.go.
 * @throws failedPrecondition when it is no data root that can be read, with what to do
 */
export async function readDockerStore(root: string, options: StoreOptions = {}): Promise<DockerStore> {
  const driver = await findStorageDriver(root, options.driver);
  const store = { root, driver, images: join(root, "image", driver.name) };
  const names = await readNames(join(store.images, "repositories.json"));
  const images: DockerImage[] = [];
  const broken: BrokenImage[] = [];
  for (const id of await imageIds(store, names, options)) {
    const { tags = [], digests = [] } = names.get(id) ?? {};
    try {
      images.push({ id, tags, digests, ...(await readImage(store, id)) });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      broken.push({ id, tags, problem: error.message });
    }
  }
  return { root, driver: driver.name, images, broken };
}

type Store = { readonly root: string; readonly driver: StorageDriver; readonly images: string };
type Names = { readonly tags: string[]; readonly digests: string[] };

/** Named images, then, if they are wanted, those that nothing names and nothing was built on. */
async function imageIds(store: Store, names: ReadonlyMap<Digest, Names>, options: StoreOptions): Promise<Digest[]> {
  const named = [...names.keys()];
  if (options.dangling !== true) return named;
  const present = await listDirectory(join(store.images, "imagedb/content/sha256"));
  const all = present.map((hex) => `sha256:${hex}`).filter(isDigest);
  const parents = new Set<string | undefined>();
  for (const id of all)
    parents.add(await findStoreLine(join(store.images, "imagedb/metadata/sha256", hexOf(id), "parent")));
  return [...named, ...all.filter((id) => !names.has(id) && !parents.has(id))];
}

/** Names by image. A name that no client could use is left out. */
async function readNames(path: string): Promise<Map<Digest, Names>> {
  const names = new Map<Digest, Names>();
  let bytes: Buffer;
  try {
    bytes = await readStoreFile(path, maxRepositoriesBytes);
  } catch (error) {
    if (error instanceof EngineError && error.kind === "notFound") return names;
    throw error;
  }
  const repositories = JsonReader.parse(bytes, path, maxRepositoriesBytes).at("Repositories");
  for (const repository of repositories.keys()) {
    for (const [name, id] of Object.entries(repositories.at(repository).stringMap())) {
      const reference = referenceOf(name);
      if (reference === undefined || !isDigest(id)) continue;
      const entry = names.get(id) ?? { tags: [], digests: [] };
      (reference.digest === undefined ? entry.tags : entry.digests).push(formatReference(reference));
      names.set(id, entry);
    }
  }
  for (const { tags, digests } of names.values()) [tags, digests].forEach((list) => list.sort());
  return names;
}

function referenceOf(name: string) {
  try {
    const reference = parseReference(name);
    return reference.tag === undefined && reference.digest === undefined ? undefined : reference;
  } catch {
    return undefined;
  }
}

async function readImage(store: Store, id: Digest): Promise<Pick<DockerImage, "configBytes" | "layers">> {
  const path = join(store.images, "imagedb/content/sha256", hexOf(id));
  const configBytes = await readStoreFile(path, maxManifestBytes);
  if (digestOf(configBytes) !== id) throw new EngineError("dataLoss", `config ${path}: its digest is not its name`);
  const { diffIds } = decodeImageConfig(configBytes);
  if (diffIds.length > maxLayers) throw new EngineError("dataLoss", `config ${path}: ${diffIds.length} layers`);
  const layers: DockerLayer[] = [];
  for (const [at, chainId] of chainIdsOf(diffIds).entries()) {
    const diffId = diffIds[at];
    if (diffId === undefined) throw new Error("a chain has as many members as DiffIDs");
    layers.push({ diffId, chainId, ...(await readLayer(store, chainId, diffId)) });
  }
  return { configBytes, layers };
}

async function readLayer(
  store: Store,
  chainId: ChainId,
  diffId: string,
): Promise<Pick<DockerLayer, "directory" | "recipePath">> {
  const record = join(store.images, "layerdb/sha256", hexOf(chainId));
  const fail = (why: string): never => {
    throw new EngineError("dataLoss", `layer ${chainId}: ${why}`);
  };
  try {
    if (!(await isDirectory(record))) return fail("not in the data root (foreign, or removed)");
    const noted = await findStoreLine(join(record, "diff"));
    if (noted !== diffId) return fail(`its DiffID is ${noted ?? "missing"}, the image says ${diffId}`);
    const cacheId = (await findStoreLine(join(record, "cache-id"))) ?? "";
    if (!/^[A-Za-z0-9][\w-]{0,254}$/.test(cacheId)) return fail(`cache-id ${JSON.stringify(cacheId)} is no name`);
    const directory = join(store.root, store.driver.treeOf(cacheId));
    if (!(await isDirectory(directory))) return fail(`its tree ${directory} is missing`);
    const recipePath = join(record, "tar-split.json.gz");
    if (!(await listDirectory(record)).includes("tar-split.json.gz")) {
      return fail(
        "tar-split.json.gz is missing: its archive cannot be made again bit for bit; pull or build the image again",
      );
    }
    return { directory, recipePath };
  } catch (error) {
    if (error instanceof EngineError) throw error;
    return fail(messageOf(error));
  }
}
