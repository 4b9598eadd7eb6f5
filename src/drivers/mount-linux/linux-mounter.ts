import { realpath } from "node:fs/promises";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import { isWithin, readMountTable } from "#base/mount-table.ts";
import type { Call } from "#core/call.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { MountOptions, Mounter } from "#core/mounts/mounter.ts";
import type { UserNamespace } from "#core/sandboxes/user-namespace.ts";
import { bindIdMapped, mapOverlay } from "./mount-id-mapped.ts";
import { mountLongOverlay } from "./mount-long-overlay.ts";
import { mountFlags, parseMountOptions, type ParsedOptions } from "./parse-mount-options.ts";
import { kindOfErrno, run, SyscallError, syscalls } from "./syscalls.ts";

const detach = 2;
const noFollow = 8;
/** mount(2) copies one page of data and the last byte must be NUL. */
const maxDataBytes = 4095;

/** Mounts by mount(2). Aborting a call has no effect on a system call that has begun. */
export class LinuxMounter implements Mounter {
  async mount(call: Call, mounts: readonly Mount[], target: string, options: MountOptions = {}): Promise<void> {
    await using undo = new AsyncDisposableStack();
    for (const mount of mounts) {
      call.signal.throwIfAborted();
      if (options.userNamespace === undefined) await mountOne(mount, target);
      else await mountMapped(mount, target, options.userNamespace);
      undo.defer(async () => void (await unmountOnce(target)));
    }
    undo.move();
  }

  async unmount(_call: Call, target: string): Promise<void> {
    while (await unmountOnce(target)) {
      // A further mount may lie below the one that went.
    }
  }

  async list(path: string): Promise<string[]> {
    const root = await realpath(path).catch(() => path);
    const points = (await readMountTable()).map(({ point }) => point);
    return points.filter((point) => isWithin(root, point)).sort((a, b) => b.length - a.length);
  }
}

async function mountOne(mount: Mount, target: string): Promise<void> {
  const parsed = parseMountOptions(mount.options);
  try {
    if (mount.type === "overlay" && Buffer.byteLength(parsed.data) > maxDataBytes) {
      await mountLongOverlay(mount, parsed, target);
    } else {
      const type = parsed.flags & mountFlags.bind ? null : mount.type;
      await run("mount", syscalls.mount, mount.source, target, type, firstFlags(parsed), parsed.data || null);
    }
  } catch (error) {
    throw explain(error, mount, target);
  }
  await finish(mount, parsed, target);
}

async function mountMapped(mount: Mount, target: string, userNamespace: UserNamespace): Promise<void> {
  const parsed = parseMountOptions(mount.options);
  try {
    if (mount.type === "overlay") {
      await using mapped = await mapOverlay(mount, target, userNamespace);
      return await mountOne(mapped.mount, target);
    }
    if ((parsed.flags & mountFlags.bind) === 0) return await mountOne(mount, target);
    await bindIdMapped(mount.source, target, userNamespace);
  } catch (error) {
    throw explain(error, mount, target);
  }
  await finish(mount, parsed, target);
}

/** A bind mount takes no other flag than `recursive` at first; the rest needs a remount. */
function firstFlags({ flags }: ParsedOptions): number {
  return flags & mountFlags.bind ? flags & (mountFlags.bind | mountFlags.recursive) : flags;
}

async function finish(mount: Mount, parsed: ParsedOptions, target: string): Promise<void> {
  const later = parsed.flags & ~(mountFlags.bind | mountFlags.recursive);
  try {
    if (parsed.flags & mountFlags.bind && later !== 0) {
      const flags = later | mountFlags.bind | mountFlags.remount;
      await run("remount", syscalls.mount, null, target, null, flags, null);
    }
    for (const flags of parsed.propagation) await run("propagation", syscalls.mount, null, target, null, flags, null);
  } catch (error) {
    await unmountOnce(target);
    throw explain(error, mount, target);
  }
}

/** Whether there was something to take away. */
async function unmountOnce(target: string): Promise<boolean> {
  try {
    await run("umount", syscalls.umount2, target, noFollow);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EINVAL" || code === "ENOENT") return false;
    if (code !== "EBUSY") throw wrap(error, `unmount ${target}`);
  }
  await run("umount", syscalls.umount2, target, noFollow | detach).catch((error: unknown) => {
    if (errnoOf(error) !== "EINVAL") throw wrap(error, `unmount ${target}`);
  });
  return true;
}

function explain(error: unknown, mount: Mount, target: string): unknown {
  return wrap(error, `mount ${mount.type} ${mount.source} at ${target} (${mount.options.join(",").slice(0, 400)})`);
}

function wrap(error: unknown, what: string): unknown {
  if (!(error instanceof SyscallError)) return error;
  return new EngineError(kindOfErrno(error.code), `${what}: ${messageOf(error)}`, { cause: error });
}
