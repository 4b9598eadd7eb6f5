import { writeFileSync } from "node:fs";
import { access, mkdir, readdir, statfs } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { EngineError, errnoOf } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";
import type { Call } from "#core/call.ts";
import type { PodNamespaceKind, PodNamespaces, PodNamespacesSpec } from "#core/sandboxes/pod-namespaces.ts";
import { openNamespaceHolder } from "./namespace-holder.ts";
import { checkedName, makePinFile, shareDirectory } from "./pinned-linux-namespaces.ts";
import type * as syscallsModule from "./syscalls.ts";

type Syscalls = typeof syscallsModule;

/** NSFS_MAGIC, linux/magic.h */
const nsfsMagic = 0x6e73_6673;

const files = { network: "net", ipc: "ipc", uts: "uts", user: "user" } as const;
const flagNames = { network: "CLONE_NEWNET", ipc: "CLONE_NEWIPC", uts: "CLONE_NEWUTS" } as const;

/** Namespaces of pods, pinned at `<directory>/<name>/{net,ipc,uts,user}`; the directory is a shared mount. */
export class PinnedPodNamespaces implements PodNamespaces {
  readonly #directory: string;
  #ready: Promise<Syscalls> | undefined;

  /** @param directory `<state>/pods`; made where missing. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(name: string, kind: PodNamespaceKind): string {
    return join(this.#directory, checkedName(name), files[kind]);
  }

  async create(call: Call, name: string, spec: PodNamespacesSpec): Promise<void> {
    call.signal.throwIfAborted();
    const syscalls = await this.#prepare();
    const pins = spec.kinds.map((kind) => ({ kind, path: this.pathOf(name, kind) }));
    await makeDirectory(join(this.#directory, checkedName(name)), name);
    try {
      await Promise.all(pins.map(({ path }) => makePinFile(path, name)));
      await pinAll(call, syscalls, pins, spec);
    } catch (error) {
      await this.delete(call, name);
      throw error;
    }
  }

  async delete(_call: Call, name: string): Promise<void> {
    const syscalls = await this.#prepare();
    for (const kind of ["network", "ipc", "uts", "user"] as const) {
      while (syscalls.unmountDetached(this.pathOf(name, kind)));
    }
    await removeTree(join(this.#directory, checkedName(name)));
  }

  async has(name: string, kinds: readonly PodNamespaceKind[]): Promise<boolean> {
    const there = await Promise.all(kinds.map((kind) => isLinuxNamespace(this.pathOf(name, kind))));
    return there.every(Boolean);
  }

  async list(): Promise<string[]> {
    return await readdir(this.#directory).catch(() => []);
  }

  async connect(call: Call, name: string, port: number): Promise<Duplex> {
    call.signal.throwIfAborted();
    const syscalls = await this.#prepare();
    const fd = connectWithin(syscalls, this.pathOf(name, "network"), port);
    return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ((await this.list()).length > 0) return;
    try {
      await access(this.#directory);
    } catch {
      return;
    }
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

type Pin = { readonly kind: PodNamespaceKind; readonly path: string };

async function pinAll(call: Call, syscalls: Syscalls, pins: readonly Pin[], spec: PodNamespacesSpec): Promise<void> {
  const { kinds, mappings } = spec;
  const away = { pins, spec, kinds: kinds.filter((kind) => kind !== "user") };
  if (mappings === undefined) {
    const flags = away.kinds.reduce((all, kind) => all | syscalls[flagNames[kind]], 0);
    return elsewhere(syscalls, away, () => (syscalls.unshare(flags), "thread-self"));
  }
  await using holder = await openNamespaceHolder(call, kinds, mappings);
  elsewhere(syscalls, away, () => {
    for (const kind of away.kinds)
      enterAt(syscalls, `/proc/${holder.pid}/ns/${files[kind]}`, syscalls[flagNames[kind]]);
    return String(holder.pid);
  });
}

type OwnKind = Exclude<PodNamespaceKind, "user">;
type Away = { readonly pins: readonly Pin[]; readonly spec: PodNamespacesSpec; readonly kinds: readonly OwnKind[] };

/**
 * Pins and fills namespaces that `go` takes this thread into; it answers whose they are, a directory of `/proc`.
 *
 * One synchronous stretch on the main thread, as for a container's network: no other JavaScript runs while the thread is
 * elsewhere. Files of `/proc/sys` are written here, since they belong to the namespaces of whoever opens them.
 */
function elsewhere(syscalls: Syscalls, { pins, spec, kinds }: Away, go: () => string): void {
  const homes = kinds.map((kind) => ({
    fd: syscalls.openNamespace(`/proc/thread-self/ns/${files[kind]}`),
    flag: syscalls[flagNames[kind]],
  }));
  try {
    try {
      fill(syscalls, { pins, spec, owner: go() });
    } finally {
      for (const { fd, flag } of homes) comeBack(syscalls, fd, flag);
    }
  } finally {
    for (const { fd } of homes) syscalls.close(fd);
  }
}

function enterAt(syscalls: Syscalls, path: string, flag: number): void {
  const fd = syscalls.openNamespace(path);
  try {
    syscalls.enter(fd, flag);
  } finally {
    syscalls.close(fd);
  }
}

function fill(
  syscalls: Syscalls,
  { pins, spec, owner }: { pins: readonly Pin[]; spec: PodNamespacesSpec; owner: string },
): void {
  const { hostname, sysctls } = spec;
  for (const { kind, path } of pins) syscalls.mount(`/proc/${owner}/ns/${files[kind]}`, path, syscalls.MS_BIND);
  if (pins.some(({ kind }) => kind === "network")) syscalls.loopbackUp();
  if (hostname !== "" && pins.some(({ kind }) => kind === "uts")) syscalls.setHostname(hostname);
  for (const [name, value] of Object.entries(sysctls)) writeSysctl(name, value);
}

function writeSysctl(name: string, value: string): void {
  const path = join("/proc/sys", name.includes("/") ? name : name.replaceAll(".", "/"));
  try {
    if (!path.startsWith("/proc/sys/")) throw new EngineError("invalidArgument", `sysctl ${name}: no such name`);
    writeFileSync(path, value);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError("invalidArgument", `sysctl ${name}=${value}: ${errnoOf(error) ?? String(error)}`, {
      cause: error,
    });
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

/** A daemon stuck in a pod's namespaces would serve nobody: better that it ends. */
function comeBack(syscalls: Syscalls, fd: number, flag: number): void {
  try {
    syscalls.enter(fd, flag);
  } catch {
    process.abort();
  }
}
