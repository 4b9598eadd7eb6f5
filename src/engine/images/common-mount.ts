import { randomBytes } from "node:crypto";
import { lstat, mkdir, rmdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { findMount, isWithin, readMountTable } from "#base/mount-table.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Engine } from "../engine.ts";
import { unpackDirectory } from "./unpack-directory.ts";

type MountEngine = Pick<Engine, "mounter" | "settings">;

/**
 * The same two directories as one mount has them, until `undo`: the kernel links no file from one mount to another, though
 * both be of one filesystem. A Docker that runs, or was killed, has its data root mounted on itself.
 *
 * Answers them as they are where they are on one mount, on two filesystems, or no mount has both.
 * Source: linkat(2), EXDEV; proc_pid_mountinfo(5).
 */
export async function throughOneMount(
  call: Call,
  engine: MountEngine,
  [a, b]: readonly [string, string],
  undo: AsyncDisposableStack,
): Promise<readonly [string, string]> {
  const mounts = await readMountTable();
  const [atA, atB] = [findMount(mounts, a), findMount(mounts, b)];
  if (atA === undefined || atB === undefined || atA.mount.id === atB.mount.id) return [a, b];
  const common = mounts.find(
    ({ device, root }) =>
      device === atA.mount.device &&
      device === atB.mount.device &&
      [atA, atB].every(({ path }) => isWithin(root, path)),
  );
  if (common === undefined) return [a, b];
  const directory = join(unpackDirectory(engine), randomBytes(8).toString("hex"));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  undo.defer(async () => await rmdir(directory));
  // Not recursive: what is mounted over the two is left out.
  await engine.mounter.mount(call, [{ type: "bind", source: common.point, options: ["bind"] }], directory);
  undo.defer(async () => await engine.mounter.unmount(detachedCall(call), directory));
  const [throughA, throughB] = [atA, atB].map(({ path }) => join(directory, relative(common.root, path)));
  if (throughA === undefined || throughB === undefined) return [a, b];
  return (await isSame(a, throughA)) && (await isSame(b, throughB)) ? [throughA, throughB] : [a, b];
}

async function isSame(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([lstat(path), lstat(other).catch(() => undefined)]);
  return one.dev === two?.dev && one.ino === two.ino;
}
