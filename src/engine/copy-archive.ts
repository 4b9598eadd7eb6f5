import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { EngineError, errnoOf, isKind } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { TreeStat } from "#core/layers/tree-archiver.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { isUp } from "./container-machine.ts";
import { rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";
import { getSnapshotter } from "./get-snapshotter.ts";

export type ArchivePath = { readonly container: string; readonly path: string };

export type WriteArchiveRequest = ArchivePath & {
  readonly archive: AsyncIterable<Uint8Array>;
  /** Refuse to replace a directory by a file or the reverse. */
  readonly keepTypes: boolean;
  /** Owners as in the archive; otherwise root. */
  readonly keepOwners: boolean;
};

/**
 * What stands at a path of a container, volumes included.
 *
 * @throws notFound
 */
export async function statArchive(call: Call, engine: Engine, at: ArchivePath): Promise<TreeStat> {
  await using tree = await openTree(call, engine, at.container);
  return await withDockerText(at, tree.container, engine.archiver.stat(call, tree.rootPath, at.path));
}

/**
 * A tar of a path of a container, running or not. The stream ends what was mounted for it when it ends or is destroyed.
 *
 * @throws notFound
 */
export async function readArchive(
  call: Call,
  engine: Engine,
  at: ArchivePath,
): Promise<{ stat: TreeStat; archive: Readable }> {
  await using undo = new AsyncDisposableStack();
  const tree = undo.use(await openTree(call, engine, at.container));
  const found = await withDockerText(at, tree.container, engine.archiver.read(call, tree.rootPath, at.path));
  const held = undo.move();
  found.archive.once("close", () => {
    held.disposeAsync().catch((error: unknown) => {
      call.log.error({ containerId: tree.container.id, error: String(error) }, "copy: tree not released");
    });
  });
  publishContainer(engine, tree.container, "archive-path");
  return found;
}

/**
 * Unpacks a tar into a directory of a container.
 *
 * @throws notFound @throws invalidArgument when the path is no directory
 * @throws permissionDenied when the root or the volume there is read-only
 */
export async function writeArchive(call: Call, engine: Engine, request: WriteArchiveRequest): Promise<void> {
  const { path, archive, keepTypes, keepOwners } = request;
  await using tree = await openTree(call, engine, request.container);
  refuseReadOnly(tree.container, path);
  const stat = await withDockerText(request, tree.container, engine.archiver.stat(call, tree.rootPath, path));
  const isLink = stat.linkTarget !== "";
  if (!isLink && (stat.mode & typeBits) !== directoryType) {
    throw new EngineError("invalidArgument", "extraction point is not a directory");
  }
  await engine.archiver.write(call, tree.rootPath, path, archive, { keepTypes, keepOwners });
  publishContainer(engine, tree.container, "extract-to-dir");
}

// Source: inode(7).
const typeBits = 0o170000;
const directoryType = 0o040000;

interface Tree extends AsyncDisposable {
  readonly container: Container;
  readonly rootPath: string;
}

/**
 * The files of a container as it sees them: of a running one through its own mount namespace, of a stopped one mounted
 * for the time. The latter holds the container's lock, since a tree is never mounted twice.
 */
async function openTree(call: Call, engine: Engine, idOrName: string): Promise<Tree> {
  const { id } = await engine.containers.resolve(call, idOrName);
  await using undo = new AsyncDisposableStack();
  undo.use(await lockContainer(call, engine, id));
  const container = await engine.containers.get(call, id);
  if (isUp(container.status)) {
    const { pid } = await getTask(call, engine, container);
    return { container, rootPath: `/proc/${pid}/root`, async [Symbol.asyncDispose]() {} };
  }
  const rootPath = await mountTree(call, engine, container, undo);
  const held = undo.move();
  return { container, rootPath, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function mountTree(
  call: Call,
  engine: Engine,
  container: Container,
  undo: AsyncDisposableStack,
): Promise<string> {
  const rootPath = rootfsDirectory(engine, container);
  await mkdir(rootPath, { recursive: true, mode: 0o711 });
  undo.defer(async () => {
    for (const path of await engine.mounter.list(rootPath)) await engine.mounter.unmount(detachedCall(call), path);
  });
  const mounts = await getSnapshotter(engine, container).mounts(call, container.snapshotKey);
  await engine.mounter.mount(call, mounts, rootPath);
  for (const { source, destination, readOnly } of await boundSources(call, engine, container)) {
    const isDirectory = await findIsDirectory(source);
    // As at its start: a source that is missing is made or refused then.
    if (isDirectory === undefined) continue;
    const target = isDirectory
      ? await engine.rootFiles.makeDirectory(call, rootPath, destination, 0o755, { uid: 0, gid: 0 })
      : await engine.rootFiles.makeFile(call, rootPath, destination);
    // Private and without what is mounted below: taking that away again would take it away from the host.
    const options = ["bind", "private", ...(readOnly ? ["ro"] : [])];
    await engine.mounter.mount(call, [{ type: "bind", source, options }], target);
  }
  return rootPath;
}

/** Volumes and bind mounts of the host, outer ones first. */
async function boundSources(call: Call, { volumes }: Engine, { config }: Container) {
  const found = config.mounts.map(async (mount) => {
    if (mount.t === "bind") return [mount];
    // An image is seen by the container alone.
    if (mount.t === "tmpfs" || mount.t === "image") return [];
    const { mountpoint } = await volumes.get(call, mount.name);
    const source = mount.subpath === undefined ? mountpoint : join(mountpoint, mount.subpath);
    return [{ source, destination: mount.destination, readOnly: mount.readOnly }];
  });
  const all = (await Promise.all(found)).flat();
  return all.sort((a, b) => a.destination.split("/").length - b.destination.split("/").length);
}

/** Undefined: nothing is there. */
async function findIsDirectory(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function refuseReadOnly({ config }: Container, path: string): void {
  const covers = ({ destination }: { destination: string }) =>
    path === destination || path.startsWith(`${destination.replace(/\/$/, "")}/`);
  const mount = config.mounts.findLast(covers);
  if (mount !== undefined && mount.t !== "tmpfs" && (mount.t === "image" || mount.readOnly)) {
    throw new EngineError("permissionDenied", "mounted volume is marked read-only");
  }
  if (mount === undefined && config.rootReadOnly) {
    throw new EngineError("permissionDenied", "container rootfs is marked read-only");
  }
}

async function withDockerText<T>(
  { path, container }: ArchivePath,
  { id }: { id: ContainerId },
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    const text = `Could not find the file ${path} in container ${container || id}`;
    throw new EngineError("notFound", text, { cause: error });
  }
}
