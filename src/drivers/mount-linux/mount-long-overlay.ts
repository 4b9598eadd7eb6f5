import { Worker } from "node:worker_threads";
import { errnoOf } from "#base/errors.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { LongOverlayRequest } from "./long-overlay-worker.ts";
import { mountFlags, type ParsedOptions } from "./parse-mount-options.ts";
import { numbers, run, SyscallError, syscalls } from "./syscalls.ts";

const setString = 1;
const setFlag = 0;
const create = 6;
const fromEmptyPath = 4;
const atFdCwd = -100;

/** Attributes of fsmount(2) for the flags of mount(2) that belong to the mount, not to the filesystem. */
const mountAttributes: readonly (readonly [flag: number, attribute: number])[] = [
  [mountFlags.readOnly, 0x1],
  [mountFlags.noSuid, 0x2],
  [mountFlags.noDev, 0x4],
  [mountFlags.noExec, 0x8],
  [mountFlags.noAtime, 0x10],
  [mountFlags.strictAtime, 0x20],
  [mountFlags.noDirAtime, 0x80],
];

/**
 * Mounts an overlay whose options do not fit in mount(2)'s page: one `lowerdir+` per layer (Linux 6.8), else names
 * relative to the layers' common directory. Sources: fsconfig(2), Documentation/filesystems/overlayfs.rst.
 */
export async function mountLongOverlay(mount: Mount, parsed: ParsedOptions, target: string): Promise<void> {
  try {
    await mountByConfig(mount, parsed, target);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "ENOSYS" && code !== "EINVAL") throw error;
    await mountRelative(mount, parsed, target);
  }
}

async function mountByConfig(mount: Mount, parsed: ParsedOptions, target: string): Promise<void> {
  const fs = await run("fsopen", syscalls.fsopen, numbers.fsopen, mount.type, 1);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await run("close", syscalls.close, fs)));
  const set = async (command: number, key: string | null, value: string | null) =>
    await run(`fsconfig ${key}`, syscalls.fsconfig, numbers.fsconfig, fs, command, key, value, 0);
  for (const [key, value] of configKeys(parsed.data))
    await set(value === undefined ? setFlag : setString, key, value ?? null);
  await set(setString, "source", mount.source);
  await set(create, null, null);
  const attributes = mountAttributes.reduce((sum, [flag, bit]) => (parsed.flags & flag ? sum | bit : sum), 0);
  const tree = await run("fsmount", syscalls.fsmount, numbers.fsmount, fs, 1, attributes);
  undo.defer(async () => void (await run("close", syscalls.close, tree)));
  await run("move_mount", syscalls.moveMount, numbers.moveMount, tree, "", atFdCwd, target, fromEmptyPath);
}

function configKeys(data: string): [key: string, value: string | undefined][] {
  return data.split(",").flatMap((option): [string, string | undefined][] => {
    const equals = option.indexOf("=");
    if (equals < 0) return [[option, undefined]];
    const [key, value] = [option.slice(0, equals), option.slice(equals + 1)];
    return key === "lowerdir" ? value.split(":").map((lower) => ["lowerdir+", lower]) : [[key, value]];
  });
}

async function mountRelative(mount: Mount, parsed: ParsedOptions, target: string): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const workerData = relativeRequest(mount, parsed, target);
  const worker = new Worker(new URL(`./long-overlay-worker.${extension}`, import.meta.url), { workerData });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", () => reject(new Error("mount helper ended without an answer")));
  const errno = await promise;
  if (errno !== 0) throw new SyscallError("mount", errno);
}

function relativeRequest(mount: Mount, parsed: ParsedOptions, target: string): LongOverlayRequest {
  const options = parsed.data.split(",");
  const lowers =
    options
      .find((option) => option.startsWith("lowerdir="))
      ?.slice(9)
      .split(":") ?? [];
  const directory = commonDirectory(lowers);
  const relative = lowers.map((lower) => lower.slice(directory.length + 1)).join(":");
  const others = options.filter((option) => !option.startsWith("lowerdir="));
  const data = [`lowerdir=${relative}`, ...others].join(",");
  return { directory: directory || "/", type: mount.type, source: mount.source, target, flags: parsed.flags, data };
}

/** The deepest directory that holds all of `paths`, none of which it is. Pure. */
export function commonDirectory(paths: readonly string[]): string {
  const [first = "", ...others] = paths.map((path) => path.split("/").slice(0, -1));
  if (first === "") return "";
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && first[same] === other[same]) same++;
    length = same;
  }
  return first.slice(0, length).join("/");
}
