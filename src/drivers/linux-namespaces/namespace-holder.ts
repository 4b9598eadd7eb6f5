import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { EngineError, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { PodNamespaceKind } from "#core/sandboxes/pod-namespaces.ts";
import type { IdMapping, IdMappings } from "#core/sandboxes/user-namespace.ts";

/** A process that lives in new linux namespaces until it is disposed. */
export type NamespaceHolder = AsyncDisposable & { readonly pid: number };

const options: Readonly<Record<PodNamespaceKind, string>> = {
  user: "--user",
  network: "--net",
  ipc: "--ipc",
  uts: "--uts",
};

/**
 * Makes linux namespaces of `kinds`, of which `user` has `mappings` and owns the others: with unshare(1), as a process of
 * several threads such as this one may not enter a user namespace. Source: user_namespaces(7).
 *
 * @throws failedPrecondition when this machine makes none @throws invalidArgument for mappings that the kernel refuses
 */
export async function openNamespaceHolder(
  call: Call,
  kinds: readonly PodNamespaceKind[],
  mappings: IdMappings,
): Promise<NamespaceHolder> {
  const child = spawn("unshare", [...kinds.map((kind) => options[kind]), "cat"], {
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  await using undo = new AsyncDisposableStack();
  const ended = once(child, "exit").catch(() => {});
  undo.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const said = text(child.stderr).catch(() => "");
  child.stdin.on("error", () => {});
  // What comes back has been through the new namespaces.
  child.stdin.write("\n");
  const { signal } = call;
  const isThere = await Promise.race([
    once(child.stdout, "data", { signal }).then(() => true),
    ended.then(() => false),
  ]);
  const { pid } = child;
  if (!isThere || pid === undefined) {
    throw new EngineError("failedPrecondition", `user namespace: ${(await said).trim() || "unshare is not installed"}`);
  }
  await writeMap(`/proc/${pid}/uid_map`, mappings.uids);
  await writeMap(`/proc/${pid}/gid_map`, mappings.gids);
  const held = undo.move();
  return { pid, [Symbol.asyncDispose]: async () => await held.disposeAsync() };
}

async function writeMap(path: string, mappings: readonly IdMapping[]): Promise<void> {
  const lines = mappings.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`);
  try {
    await writeFile(path, lines.join(""));
  } catch (error) {
    throw new EngineError("invalidArgument", `user namespace: mapping refused: ${messageOf(error)}`, { cause: error });
  }
}
