import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { PodNamespaceKind, PodNamespacesSpec } from "#core/sandboxes/pod-namespaces.ts";
import { comeBack } from "./come-back.ts";
import { openNamespaceHolder } from "./namespace-holder.ts";
import type { Syscalls } from "./shared-directory.ts";

/** Names of pins, and of files in `/proc/<pid>/ns`. */
export const files = { network: "net", ipc: "ipc", uts: "uts", user: "user" } as const;
const flagNames = { network: "CLONE_NEWNET", ipc: "CLONE_NEWIPC", uts: "CLONE_NEWUTS" } as const;

export type Pin = { readonly kind: PodNamespaceKind; readonly path: string };

/**
 * Makes namespaces of `spec`, pins and fills them. Without a user namespace this thread makes them; with one a process does,
 * which has ended when this settles.
 */
export async function pinAll(
  call: Call,
  syscalls: Syscalls,
  pins: readonly Pin[],
  spec: PodNamespacesSpec,
): Promise<void> {
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
