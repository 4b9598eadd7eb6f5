import { mkdir, readdir, readFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import type * as syscallsModule from "./syscalls.ts";

/** Loaded at the first namespace: an idle daemon does not carry the foreign function library. */
export type Syscalls = typeof syscallsModule;

/**
 * A directory of pins that is a shared mount: a namespace made after some other process took its copy of the mount tree
 * appears there too, and, what matters more, its unmount does, so no copy keeps a dead container's namespace alive.
 *
 * Disposed, it is a plain directory again, once it is empty.
 */
export class SharedDirectory implements AsyncDisposable {
  readonly path: string;
  #ready: Promise<Syscalls> | undefined;

  /** @param path made, and mounted, where missing, with the first {@link prepare} */
  constructor(path: string) {
    this.path = path;
  }

  /** Answers what to pin with; tried again after a failure. */
  async prepare(): Promise<Syscalls> {
    this.#ready ??= share(this.path);
    try {
      return await this.#ready;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  /** Names of what is in it; none when it is not there. */
  async list(): Promise<string[]> {
    try {
      return await readdir(this.path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ((await this.list()).length > 0) return;
    const mounts = await readFile("/proc/thread-self/mountinfo", "utf8");
    // Also where a former daemon made it and this one had no use for it.
    if (!mounts.includes(` ${this.path.replaceAll(" ", "\\040")} `)) return;
    this.#ready = undefined;
    const syscalls = await import("./syscalls.ts");
    while (syscalls.unmountDetached(this.path));
  }
}

/** It must be a mount point to be shared, so it is bound onto itself where it is none. */
async function share(directory: string): Promise<Syscalls> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const syscalls = await import("./syscalls.ts");
  const setShared = () => syscalls.mount("none", directory, syscalls.MS_SHARED | syscalls.MS_REC);
  try {
    setShared();
  } catch (error) {
    if (errnoOf(error) !== "EINVAL") throw error;
    syscalls.mount(directory, directory, syscalls.MS_BIND | syscalls.MS_REC);
    setShared();
  }
  return syscalls;
}
