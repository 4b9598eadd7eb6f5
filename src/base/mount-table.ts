import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** A mount of this process's namespace. `root`: the directory of its filesystem that is seen at `point`. */
export type MountEntry = {
  readonly id: string;
  /** `major:minor`. */
  readonly device: string;
  readonly root: string;
  readonly point: string;
};

/** All of them, in the order they were made. Source: proc_pid_mountinfo(5). */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountTable(await readFile("/proc/self/mountinfo", "utf8"));
}

export function parseMountTable(mountinfo: string): MountEntry[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [id, , device, root, point] = line.split(" ");
    if (id === undefined || device === undefined || root === undefined || point === undefined) return [];
    return [{ id, device, root: unescaped(root), point: unescaped(point) }];
  });
}

/** The mount that a path without links is seen through, the deepest and last one, and where it is in the filesystem. */
export function findMount(
  table: readonly MountEntry[],
  path: string,
): { readonly mount: MountEntry; readonly path: string } | undefined {
  let found: MountEntry | undefined;
  for (const mount of table) {
    if (isWithin(mount.point, path) && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found === undefined ? undefined : { mount: found, path: join(found.root, relative(found.point, path)) };
}

/** Whether `path` is `root` or below it. */
export function isWithin(root: string, path: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** Spaces and such are written in octal; bytes above 127 stand as they are. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
