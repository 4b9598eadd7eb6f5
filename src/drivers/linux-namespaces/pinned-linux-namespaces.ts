import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { LinuxNamespaces } from "#core/networks/linux-namespaces.ts";
import type * as syscallsModule from "./syscalls.ts";

/** Loaded at the first namespace: an idle daemon does not carry the foreign function library. */
type Syscalls = typeof syscallsModule;

/**
 * Linux network namespaces pinned by a bind mount at `<directory>/<name>`, as `ip netns` keeps them.
 *
 * The directory is a shared mount: a namespace made after some other process took its copy of the mount tree appears
 * there too, and, what matters more, its unmount does, so no copy keeps a dead container's namespace alive.
 */
export class PinnedLinuxNamespaces implements LinuxNamespaces {
  readonly #directory: string;
  #ready: Promise<Syscalls> | undefined;

  /** @param directory `<state>/netns`; made where missing. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(name: string): string {
    return join(this.#directory, checkedName(name));
  }

  async createNetwork(call: Call, name: string): Promise<string> {
    const path = this.pathOf(name);
    call.signal.throwIfAborted();
    const syscalls = await this.#prepare();
    await makePinFile(path, name);
    try {
      pinNewNetwork(syscalls, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return path;
  }

  async deleteNetwork(_call: Call, name: string): Promise<void> {
    const path = this.pathOf(name);
    const syscalls = await this.#prepare();
    while (syscalls.unmountDetached(path));
    await rm(path, { force: true });
  }

  async listNetwork(): Promise<string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ((await this.listNetwork()).length > 0) return;
    const mounts = await readFile("/proc/thread-self/mountinfo", "utf8");
    // Also where a former daemon made it and this one had no use for it.
    if (!mounts.includes(` ${this.#directory} `)) return;
    this.#ready = undefined;
    const syscalls = await import("./syscalls.ts");
    while (syscalls.unmountDetached(this.#directory));
  }

  async #prepare(): Promise<Syscalls> {
    this.#ready ??= shareDirectory(this.#directory);
    try {
      return await this.#ready;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }
}

/** Makes `directory` a shared mount; it must be a mount point for that, so it is bound onto itself where it is none. */
export async function shareDirectory(directory: string): Promise<Syscalls> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const syscalls = await import("./syscalls.ts");
  const share = () => syscalls.mount("none", directory, syscalls.MS_SHARED | syscalls.MS_REC);
  try {
    share();
  } catch (error) {
    if (errnoOf(error) !== "EINVAL") throw error;
    syscalls.mount(directory, directory, syscalls.MS_BIND | syscalls.MS_REC);
    share();
  }
  return syscalls;
}

export async function makePinFile(path: string, name: string): Promise<void> {
  try {
    await using _file = await open(path, "wx", 0o444);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new EngineError("alreadyExists", `linux network namespace ${name}: exists`, { cause: error });
    }
    throw error;
  }
}

/**
 * One synchronous stretch on the main thread: no other JavaScript runs while its network is not the host's.
 * Measured on a busy machine: 0.55 ms in the median, 3 ms in the worst twentieth; a worker, which loads koffi anew,
 * takes 30 ms and 4 MiB.
 */
function pinNewNetwork(syscalls: Syscalls, path: string): void {
  const host = syscalls.openNamespace("/proc/thread-self/ns/net");
  try {
    syscalls.unshareNetwork();
    try {
      syscalls.mount("/proc/thread-self/ns/net", path, syscalls.MS_BIND);
      syscalls.loopbackUp();
    } catch (error) {
      syscalls.unmountDetached(path);
      throw error;
    } finally {
      comeBack(syscalls, host);
    }
  } finally {
    syscalls.close(host);
  }
}

/** A daemon stuck in a container's network would serve nobody and harm the container: better that it ends. */
function comeBack(syscalls: Syscalls, host: number): void {
  try {
    syscalls.enterNetwork(host);
  } catch {
    process.abort();
  }
}

export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) return name;
  throw new EngineError("invalidArgument", `linux network namespace ${JSON.stringify(name)}: not a plain file name`);
}
