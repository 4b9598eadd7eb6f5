import { randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, rmdir } from "node:fs/promises";
import { join, relative } from "node:path";
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
  const mounts = parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
  const [atA, atB] = [locate(mounts, a), locate(mounts, b)];
  if (atA === undefined || atB === undefined || atA.mount.id === atB.mount.id) return [a, b];
  const common = mounts.find(
    ({ device, root }) => device === atA.mount.device && device === atB.mount.device && [atA, atB].every(isBelow(root)),
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

type MountEntry = { readonly id: string; readonly device: string; readonly root: string; readonly point: string };

function parseMounts(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const [id, , device, root, point] = line.split(" ");
    if (id === undefined || device === undefined || root === undefined || point === undefined) return [];
    return [{ id, device, root: unescaped(root), point: unescaped(point) }];
  });
}

/** The mount that a path is seen through, the deepest and last one, and where the path is in its filesystem. */
function locate(mounts: readonly MountEntry[], path: string): { mount: MountEntry; path: string } | undefined {
  let found: MountEntry | undefined;
  for (const mount of mounts) {
    if (isBelow(mount.point)({ path }) && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found === undefined ? undefined : { mount: found, path: join(found.root, relative(found.point, path)) };
}

function isBelow(root: string): (at: { readonly path: string }) => boolean {
  return ({ path }) => root === "/" || path === root || path.startsWith(`${root}/`);
}

async function isSame(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([lstat(path), lstat(other).catch(() => undefined)]);
  return one.dev === two?.dev && one.ino === two.ino;
}

/** Spaces and such are written in octal. */
function unescaped(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
