import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import { isDirectory, listDirectory } from "./store-files.ts";

/** A data root's storage driver whose layers are trees that can be read where they lie. */
export type StorageDriver = {
  /** As Docker calls it, and the directory below `image/`. */
  readonly name: string;
  /** Where a layer's files are, below the data root. */
  readonly treeOf: (cacheId: string) => string;
};

/**
 * All of these keep tar-split files, so that only the content of files is taken from the tree.
 * Source: moby v20.10.24 daemon/graphdriver, each driver's `Get` and `getDiffPath`.
 */
export const readableDrivers: Readonly<Record<string, StorageDriver["treeOf"]>> = {
  overlay2: (cacheId) => join("overlay2", cacheId, "diff"),
  "fuse-overlayfs": (cacheId) => join("fuse-overlayfs", cacheId, "diff"),
  aufs: (cacheId) => join("aufs", "diff", cacheId),
  btrfs: (cacheId) => join("btrfs", "subvolumes", cacheId),
  vfs: (cacheId) => join("vfs", "dir", cacheId),
};

const instead = "start Docker once more and carry them over as archives: docker save IMAGE... | ferry load";

/** Why the layers of other drivers cannot be read, and what to do. */
const unreadable: Readonly<Record<string, string>> = {
  devicemapper: `each layer is a block device of its own; ${instead}`,
  zfs: `each layer is a dataset that must be mounted; ${instead}`,
  overlay: `layers are linked trees of Docker before 1.12; ${instead}`,
  windowsfilter: "layers of Windows images",
};

/**
 * The driver that a data root's images are of.
 *
 * @param wanted by name, where the root has images of several
 * @throws failedPrecondition with what to do, when there is none that can be read
 */
export async function findStorageDriver(root: string, wanted?: string): Promise<StorageDriver> {
  if (!(await isDirectory(root))) throw refused(root, "no such directory");
  const present: string[] = [];
  for (const name of await listDirectory(join(root, "image"))) {
    const images = await listDirectory(join(root, "image", name, "imagedb/content/sha256"));
    if (images.length > 0 || name === wanted) present.push(name);
  }
  if (wanted !== undefined && present.length > 0 && !present.includes(wanted)) {
    throw refused(root, `nothing of storage driver ${wanted} in it, but of ${present.join(", ")}`);
  }
  const [name = await explainNone(root), ...others] =
    wanted === undefined ? present : present.filter((one) => one === wanted);
  if (others.length > 0) {
    throw refused(root, `images of several storage drivers (${present.join(", ")}): say which by --driver`);
  }
  const treeOf = Object.hasOwn(readableDrivers, name) ? readableDrivers[name] : undefined;
  if (treeOf !== undefined) return { name, treeOf };
  throw refused(
    root,
    `storage driver ${name}: ${(Object.hasOwn(unreadable, name) ? unreadable[name] : undefined) ?? `not known here; ${instead}`}`,
  );
}

/** Nothing of ours below `image/`: says what the directory is instead. */
async function explainNone(root: string): Promise<never> {
  const names = await listDirectory(root);
  const remapped = names.filter((name) => /^\d+\.\d+$/.test(name));
  if (remapped.length > 0) {
    throw refused(
      root,
      `Docker ran with userns-remap; its images are in ${remapped.map((name) => join(root, name)).join(", ")}`,
    );
  }
  if (names.includes("containerd")) {
    throw refused(root, "no images of a storage driver; Docker keeps them in containerd: --from containerd");
  }
  if (names.includes("image")) throw refused(root, "no image in it");
  throw refused(root, "no Docker data root (it has no directory image/); see data-root in daemon.json");
}

function refused(root: string, why: string): EngineError {
  return new EngineError("failedPrecondition", `data root ${root}: ${why}`);
}
