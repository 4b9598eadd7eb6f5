import { rm } from "node:fs/promises";
import { EngineError, isKind } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { UnreadableContainer } from "#core/containers/container-store.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { lockContainer } from "./container-lock.ts";
import { bundleDirectory, containerDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

type Store = Pick<Engine, "containers">;

/** Those of the call's namespace. */
export async function listUnreadable(call: Call, { containers }: Store): Promise<UnreadableContainer[]> {
  return (await containers.listUnreadable()).filter(({ namespace }) => namespace === call.namespace);
}

/** By id or name, in full: nobody removes one of these by the first digits. */
export async function findUnreadable(
  call: Call,
  engine: Store,
  idOrName: string,
): Promise<UnreadableContainer | undefined> {
  const name = idOrName.replace(/^\//, "");
  return (await listUnreadable(call, engine)).find((it) => it.id === idOrName || it.name === name);
}

/** Nothing is removed of which it is not known whether it is in use. @throws conflict naming the container */
export async function refuseWhileUnreadable(call: Call, engine: Store, what: string): Promise<void> {
  const [first] = await listUnreadable(call, engine);
  if (first === undefined) return;
  throw new EngineError("conflict", `${what}: ${first.error.message}`, { cause: first.error });
}

/**
 * Removes a container of which only id and name are known: its process, mounts, linux network namespace, snapshot,
 * files and record. Its volumes stay, and its addresses are freed when the daemon starts the next time.
 *
 * @throws dataLoss without `force`
 */
export async function removeUnreadable(
  call: Call,
  engine: Engine,
  container: UnreadableContainer,
  force: boolean,
): Promise<void> {
  if (!force) throw container.error;
  const { id, namespace, name } = container;
  using _lock = await lockContainer(call, engine, id);
  const own = detachedCall(call, 120_000);
  const task = await engine.runtime.find(own, { namespace, containerId: id });
  await task?.delete(own, { force: true });
  // Its root, and what of others is mounted for it: all of it, before anything is removed.
  for (const path of await engine.mounter.list(bundleDirectory(engine, container))) {
    await engine.mounter.unmount(own, path);
  }
  await engine.linuxNamespaces.deleteNetwork(own, id);
  // A snapshot's key is its container's id.
  for (const snapshotter of engine.snapshotters.values()) {
    await snapshotter.remove(own, id as string as SnapshotKey).catch(ignoreMissing);
  }
  const files = [bundleDirectory(engine, container), containerDirectory(engine, container)];
  for (const path of files) await rm(path, { recursive: true, force: true });
  await engine.containers.delete(own, id);
  engine.supervisor.forget(id);
  engine.garbage.schedule();
  engine.events.publish({ namespace, type: "container", action: "destroy", actorId: id, attributes: { name } });
}

function ignoreMissing(error: unknown): void {
  if (!isKind(error, "notFound")) throw error;
}
