import { chown, lstat, mkdir, open, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Mount } from "#core/mounts/mount.ts";
import { toHostId, type IdMappings, type UserNamespace } from "#core/sandboxes/user-namespace.ts";
import { commonDirectory } from "./mount-long-overlay.ts";
import { numbers, run, SyscallError, syscalls } from "./syscalls.ts";

const atFdCwd = -100;
const emptyPath = 0x1000;
const recursive = 0x8000;
const clone = 1;
const closeOnExec = 0o2000000;
const fromEmptyPath = 4;
const attributeIdMap = 0x100000n;
const attributeReadOnly = 1n;
const attributesSize = 32;

/**
 * Binds `source` at `target` with its ids as `userNamespace` maps them: what belongs to 0 on disk belongs to the
 * namespace's root. Mounts below come along with their ids as they are.
 *
 * Sources: open_tree(2), mount_setattr(2).
 *
 * @throws failedPrecondition where the filesystem cannot do that
 */
export async function bindIdMapped(
  source: string,
  target: string,
  { path, readOnly = false }: Pick<UserNamespace, "path"> & { readonly readOnly?: boolean },
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const flags = clone | closeOnExec | recursive;
  const tree = await run("open_tree", syscalls.openTree, numbers.openTree, atFdCwd, source, flags);
  undo.defer(async () => void (await run("close", syscalls.close, tree)));
  const userNamespace = await open(path);
  undo.defer(async () => await userNamespace.close());
  const attributes = Buffer.alloc(attributesSize);
  attributes.writeBigUInt64LE(readOnly ? attributeIdMap | attributeReadOnly : attributeIdMap, 0);
  attributes.writeBigUInt64LE(BigInt(userNamespace.fd), 24);
  try {
    await run(
      "mount_setattr",
      syscalls.mountSetattr,
      numbers.mountSetattr,
      tree,
      "",
      emptyPath,
      attributes,
      attributesSize,
    );
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "EINVAL") throw error;
    const text = `${source}: its filesystem takes no id-mapped mounts, which a pod with a user namespace needs`;
    throw new EngineError("failedPrecondition", text, { cause: error });
  }
  await run("move_mount", syscalls.moveMount, numbers.moveMount, tree, "", atFdCwd, target, fromEmptyPath);
}

/**
 * An overlay's options with its lower layers id-mapped, for as long as the result is not disposed: a mounted overlay
 * keeps what it needs. An overlay itself takes no mapping, and in a mapped upper layer it could not make its whiteouts;
 * so that one holds the ids as they are outside, beginning with its root's.
 */
export async function mapOverlay(
  mount: Mount,
  target: string,
  userNamespace: UserNamespace,
): Promise<AsyncDisposable & { readonly mount: Mount }> {
  await using undo = new AsyncDisposableStack();
  const lowers = optionOf(mount, "lowerdir")?.split(":") ?? [];
  const directory = commonDirectory(lowers);
  const staging = join(dirname(target), "layers");
  await mkdir(staging, { recursive: true, mode: 0o700 });
  undo.defer(async () => await rmdir(staging));
  // Read-only: whoever clears the bundle after a crash must not get at layers.
  await bindIdMapped(directory, staging, { path: userNamespace.path, readOnly: true });
  undo.defer(async () => void (await run("umount", syscalls.umount2, staging, detach)));
  const upper = optionOf(mount, "upperdir");
  if (upper !== undefined) await shiftOwner(upper, userNamespace);
  const mapped = lowers.map((lower) => staging + lower.slice(directory.length)).join(":");
  const options = mount.options.map((option) => (option.startsWith("lowerdir=") ? `lowerdir=${mapped}` : option));
  const held = undo.move();
  return { mount: { ...mount, options }, [Symbol.asyncDispose]: async () => await held.disposeAsync() };
}

const detach = 2;

function optionOf({ options }: Mount, key: string): string | undefined {
  return options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
}

/** Once: what is outside the namespace's own ids already is left. */
async function shiftOwner(path: string, { uids, gids }: IdMappings): Promise<void> {
  const { uid, gid } = await lstat(path);
  if (uids.some(({ hostId, size }) => uid >= hostId && uid < hostId + size)) return;
  await chown(path, toHostId(uids, uid) ?? uid, toHostId(gids, gid) ?? gid);
}
