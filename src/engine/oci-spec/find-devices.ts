import { readdir, realpath, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { DeviceMapping } from "#core/containers/container-config.ts";
import type { DeviceNode } from "#core/devices/device-edits.ts";
import type { ResolvedUser, SpecDevice } from "./spec-facts.ts";

/**
 * Nodes for `--device source:destination:access`; a directory stands for every device below it.
 *
 * @throws invalidArgument when the source is missing or no device is there (Docker's text)
 */
export async function findDevices(mapping: DeviceMapping): Promise<SpecDevice[]> {
  const fail = (why: string) =>
    new EngineError(
      "invalidArgument",
      `error gathering device information while adding custom device "${mapping.source}": ${why}`,
    );
  try {
    const source = await realpath(mapping.source);
    const stats = await stat(source);
    const access = mapping.access === "" ? "rwm" : mapping.access;
    const single = toDevice(stats, mapping.destination);
    const found = stats.isDirectory() ? await walk(source, mapping.destination) : single === undefined ? [] : [single];
    if (found.length === 0) throw fail("not a device node");
    return found.map((device) => Object.assign(device, { access }));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw fail("no such file or directory");
    throw error;
  }
}

/**
 * The node that a device's description names; what it leaves out is as on the host, its owner the process's.
 *
 * @throws invalidArgument when it is not there to look at, or no device
 */
export async function findDescribedDevice(
  node: DeviceNode,
  user: Pick<ResolvedUser, "uid" | "gid">,
): Promise<SpecDevice> {
  const { path, hostPath = path, type, major, minor } = node;
  const isWhole = type === "p" || (type !== undefined && major !== undefined && minor !== undefined);
  const stats = isWhole ? undefined : await stat(hostPath).catch(() => undefined);
  const found = stats === undefined ? undefined : toDevice(stats, path);
  if (!isWhole && found === undefined)
    throw new EngineError("invalidArgument", `device ${hostPath}: no device is there`);
  const fileMode = node.fileMode ?? found?.fileMode;
  return {
    type: type === "u" ? "c" : (type ?? found?.type ?? "c"),
    major: major ?? found?.major ?? 0,
    minor: minor ?? found?.minor ?? 0,
    fileMode: fileMode === undefined ? 0o666 : fileMode & 0o7777,
    uid: node.uid ?? (user.uid > 0 ? user.uid : (found?.uid ?? 0)),
    gid: node.gid ?? (user.gid > 0 ? user.gid : (found?.gid ?? 0)),
    path,
    access: node.permissions === "" ? "rwm" : node.permissions,
  };
}

/** Every device of the host, for a privileged container; what a container has of its own is left out. */
export async function findHostDevices(): Promise<SpecDevice[]> {
  return await walk("/dev", "/dev", new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]));
}

/** Numbers of the block devices that limits name. @throws invalidArgument */
export async function findBlockDevices(
  paths: readonly string[],
): Promise<Map<string, { major: number; minor: number }>> {
  const found = new Map<string, { major: number; minor: number }>();
  for (const path of paths) {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined || !stats.isBlockDevice())
      throw new EngineError("invalidArgument", `${path}: no such block device`);
    found.set(path, deviceNumbers(stats.rdev));
  }
  return found;
}

/** Source: makedev(3), as glibc encodes it. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n);
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

async function walk(source: string, destination: string, skip: ReadonlySet<string> = new Set()): Promise<SpecDevice[]> {
  const found: SpecDevice[] = [];
  for (const entry of await readdir(source, { withFileTypes: true })) {
    if (skip.has(entry.name)) continue;
    const [from, to] = [join(source, entry.name), join(destination, entry.name)];
    if (entry.isDirectory()) found.push(...(await walk(from, to)));
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      // A device may go away between the listing and here.
      const stats = await stat(from).catch(() => undefined);
      const device = stats === undefined ? undefined : toDevice(stats, to);
      if (device !== undefined) found.push(device);
    }
  }
  return found;
}

function toDevice(stats: Stats, path: string): SpecDevice | undefined {
  const type = stats.isBlockDevice() ? "b" : stats.isCharacterDevice() ? "c" : undefined;
  if (type === undefined) return undefined;
  return {
    type,
    ...deviceNumbers(stats.rdev),
    fileMode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    path,
  };
}
