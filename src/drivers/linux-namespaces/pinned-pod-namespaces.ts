import { mkdir, statfs } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { EngineError, errnoOf } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import type { PodNamespaceKind, PodNamespaces, PodNamespacesSpec } from "#core/sandboxes/pod-namespaces.ts";
import { comeBack } from "./come-back.ts";
import { files, pinAll } from "./pin-pod-namespaces.ts";
import { checkedName, makePinFile } from "./pin-file.ts";
import { SharedDirectory, type Syscalls } from "./shared-directory.ts";

/** NSFS_MAGIC, linux/magic.h */
const nsfsMagic = 0x6e73_6673;

/** Namespaces of pods, pinned at `<directory>/<name>/{net,ipc,uts,user}`; the directory is a shared mount. */
export class PinnedPodNamespaces implements PodNamespaces, AsyncDisposable {
  readonly #directory: SharedDirectory;

  /** @param directory `<state>/pods`; made where missing. */
  constructor(directory: string) {
    this.#directory = new SharedDirectory(directory);
  }

  pathOf(name: string, kind: PodNamespaceKind): string {
    return join(this.#directory.path, checkedName(name), files[kind]);
  }

  async create(call: Call, name: string, spec: PodNamespacesSpec): Promise<void> {
    call.signal.throwIfAborted();
    const syscalls = await this.#directory.prepare();
    const pins = spec.kinds.map((kind) => ({ kind, path: this.pathOf(name, kind) }));
    await makeDirectory(join(this.#directory.path, checkedName(name)), name);
    try {
      await Promise.all(pins.map(({ path }) => makePinFile(path, name)));
      await pinAll(call, syscalls, pins, spec);
    } catch (error) {
      await this.delete(call, name);
      throw error;
    }
  }

  async delete(_call: Call, name: string): Promise<void> {
    const syscalls = await this.#directory.prepare();
    for (const kind of ["network", "ipc", "uts", "user"] as const) {
      while (syscalls.unmountDetached(this.pathOf(name, kind)));
    }
    await removeTree(join(this.#directory.path, checkedName(name)));
  }

  async has(name: string, kinds: readonly PodNamespaceKind[]): Promise<boolean> {
    const there = await Promise.all(kinds.map((kind) => isLinuxNamespace(this.pathOf(name, kind))));
    return there.every(Boolean);
  }

  async list(): Promise<string[]> {
    return await this.#directory.list();
  }

  async connect(call: Call, name: string, port: number): Promise<Duplex> {
    call.signal.throwIfAborted();
    const syscalls = await this.#directory.prepare();
    const fd = connectWithin(syscalls, this.pathOf(name, "network"), port);
    return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** A mere file is what a reboot leaves. One call for each, where the table of all mounts grows with every pod. */
async function isLinuxNamespace(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === nsfsMagic;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** The directory is the reservation of the name. */
async function makeDirectory(path: string, name: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o711 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new EngineError("alreadyExists", `linux namespaces of ${name}: exist`, { cause: error });
  }
}

/** A socket stays in the network it was made in. Loopback answers at once, so the daemon does not wait in there. */
function connectWithin(syscalls: Syscalls, path: string, port: number): number {
  const home = syscalls.openNamespace("/proc/thread-self/ns/net");
  try {
    const pod = syscalls.openNamespace(path);
    try {
      syscalls.enter(pod, syscalls.CLONE_NEWNET);
      try {
        return syscalls.connectLoopback(port);
      } finally {
        comeBack(syscalls, home, syscalls.CLONE_NEWNET);
      }
    } finally {
      syscalls.close(pod);
    }
  } finally {
    syscalls.close(home);
  }
}
