import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nowNs } from "#base/clock.ts";
import { errnoOf, messageOf } from "#base/errors.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { TaskExit, TaskRef } from "#core/tasks/runtime.ts";
import { advanceContainer } from "./advance-container.ts";
import { recoverUnpacks } from "./images/unpack-layer.ts";
import { lockContainer } from "./container-lock.ts";
import { isUp } from "./container-machine.ts";
import { bundleDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { findTask } from "./find-task.ts";
import { recoverLeases } from "./recover-leases.ts";
import { recoverNetworks } from "./recover-networks.ts";
import { recoverSandboxes } from "./recover-sandboxes.ts";
import { releaseContainer } from "./release-container.ts";
import { eraseContainer } from "./remove-container.ts";
import { startAtBoot } from "./start-at-boot.ts";

/** What Docker says of a container whose end nobody saw. */
const unknownExitCode = 255;

/**
 * At start: makes records and machine agree after a crash, a kill or a reboot, then applies restart policies.
 *
 * Running containers are taken up again, exits that happened meanwhile recorded, half-made and half-removed ones
 * finished as removals, everything without an owner taken away. A container whose record cannot be read is reported
 * and keeps what it has. Nothing else may call the engine before it is done.
 */
export async function recover(call: Call, engine: Engine): Promise<void> {
  // What policies want up is started at the end, in order.
  using _held = engine.supervisor.holdRestarts();
  await recoverLeases(call, engine);
  await engine.content.recover(call);
  await recoverUnpacks(call, engine);
  for (const snapshotter of engine.snapshotters.values()) await snapshotter.recover(call);
  await engine.volumes.recover(call);
  await engine.runtime.recover(call);
  const before = await engine.containers.listAll();
  const running = await findRunning(call, engine, before);
  // Before anything is detached: the network driver writes its rules whole, from what it is told here.
  await recoverNetworks(call, engine, ({ id }) => running.has(id));
  const left = await findLeftovers(engine, before);
  const failed = new Set<string>();
  for (const container of before) {
    try {
      await settle({ ...call, namespace: container.namespace }, engine, container, left);
    } catch (error) {
      // One broken container must not keep the others, or the daemon, down.
      failed.add(container.id);
      call.log.error({ containerId: container.id, error: messageOf(error) }, "container not recovered");
    }
  }
  const after = await engine.containers.listAll();
  const unreadable = await engine.containers.listUnreadable();
  for (const { id, error } of unreadable) call.log.error({ containerId: id }, error.message);
  await recoverSandboxes(call, engine);
  const pods = (await engine.sandboxes.listAll()).filter(({ state }) => state === "ready");
  const standing = after.filter(({ id, status }) => isUp(status) || failed.has(id));
  const kept = new Set([...standing, ...unreadable, ...pods].map(keyOf));
  await removeOrphans(call, engine, [...after, ...unreadable], kept);
  startAtBoot(engine, after);
}

/** Ids of containers whose process runs as the record says. */
async function findRunning(call: Call, engine: Engine, containers: readonly Container[]): Promise<Set<string>> {
  const running = new Set<string>();
  for (const container of containers) {
    if (!isUp(container.status)) continue;
    const task = await findTask({ ...call, namespace: container.namespace }, engine, container);
    if (task !== undefined && task.exit === undefined) running.add(container.id);
  }
  return running;
}

type Owner = Pick<Container, "id" | "namespace">;

/** What a running container has on the machine, by container. */
type Leftovers = {
  readonly tasks: ReadonlySet<string>;
  readonly mounts: ReadonlySet<string>;
};

async function findLeftovers(engine: Engine, containers: readonly Container[]): Promise<Leftovers> {
  const mounted = new Set((await engine.mounter.list(engine.settings.stateDirectory)).map(dirname));
  return {
    tasks: new Set((await engine.runtime.list()).map(keyOfRef)),
    mounts: new Set(containers.filter((it) => mounted.has(bundleDirectory(engine, it))).map(keyOf)),
  };
}

/** Brings one container to a state that the machine agrees with. */
async function settle(call: Call, engine: Engine, container: Container, left: Leftovers): Promise<void> {
  using _lock = await lockContainer(call, engine, container.id);
  const { status, config } = container;
  switch (status.state) {
    case "creating":
      return await eraseContainer(call, engine, container, true);
    case "removing":
    case "dead":
      return await eraseContainer(call, engine, container, status.removesVolumes ?? config.autoRemove);
    case "running":
    case "paused":
      return await takeUp(call, engine, container);
    case "restarting":
    case "created":
    case "exited":
      // A start that was cut short, or an end that was recorded and not cleaned up.
      await releaseLeftovers(call, engine, container, left);
      if (config.autoRemove && status.state === "exited") {
        await eraseContainer(call, engine, container, true);
      }
  }
}

/** A container that ran: it still does, or its exit is recorded now and its policy acts on it. */
async function takeUp(call: Call, engine: Engine, container: Container): Promise<void> {
  const task = await findTask(call, engine, container);
  const gone: TaskExit = { exitCode: unknownExitCode, exitedAtNs: nowNs(), oomKilled: false };
  const exit = task === undefined ? gone : task.exit;
  if (task === undefined || exit !== undefined) {
    await advanceContainer(call, engine, container.id, { t: "exited", exit: exit ?? gone });
    return;
  }
  const state = await task.state(call);
  const event = { t: "adopted", pid: task.pid, paused: state === "paused" } as const;
  const adopted = await advanceContainer(call, engine, container.id, event);
  engine.supervisor.watch(engine, adopted, task);
}

async function releaseLeftovers(call: Call, engine: Engine, container: Container, left: Leftovers): Promise<void> {
  const key = keyOf(container);
  const something = container.attachments.length > 0 || left.tasks.has(key) || left.mounts.has(key);
  if (something) await releaseContainer(call, engine, container);
}

/** Takes away tasks, mounts and directories that no container owns. */
async function removeOrphans(
  call: Call,
  engine: Engine,
  containers: readonly Owner[],
  kept: ReadonlySet<string>,
): Promise<void> {
  for (const ref of await engine.runtime.list()) {
    if (kept.has(keyOfRef(ref))) continue;
    const task = await engine.runtime.find({ ...call, namespace: ref.namespace }, ref);
    await task?.delete({ ...call, namespace: ref.namespace }, { force: true });
  }
  const keptBundles = new Set(containers.filter((it) => kept.has(keyOf(it))).map((it) => bundleDirectory(engine, it)));
  for (const path of await engine.mounter.list(engine.settings.stateDirectory)) {
    const isRoot = basename(path) === "rootfs" && !keptBundles.has(dirname(path));
    if (isRoot) await engine.mounter.unmount(call, path);
  }
  await removeOrphanDirectories(engine, containers);
}

async function removeOrphanDirectories(engine: Engine, containers: readonly Owner[]): Promise<void> {
  const known = new Set(containers.map(keyOf));
  const top = join(engine.settings.rootDirectory, "containers");
  for (const namespace of await listDirectory(top)) {
    for (const id of await listDirectory(join(top, namespace))) {
      if (!known.has(`${namespace}/${id}`)) await rm(join(top, namespace, id), { recursive: true, force: true });
    }
  }
}

async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

function keyOf({ namespace, id }: { namespace: Namespace; id: string }): string {
  return `${namespace}/${id}`;
}

function keyOfRef({ namespace, containerId }: TaskRef): string {
  return `${namespace}/${containerId}`;
}
