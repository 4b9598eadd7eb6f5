import { EngineError, isKind } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { advanceContainer } from "./advance-container.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { bundleDirectory, containerDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { removeImageMounts } from "./image-mounts.ts";
import { killContainer } from "./kill-container.ts";
import { findUnreadable, listUnreadable, removeUnreadable } from "./unreadable-container.ts";
import { releaseContainer } from "./release-container.ts";

export type RemoveContainerRequest = {
  readonly container: string;
  /** Kill it first when it runs. */
  readonly force: boolean;
  /** Its anonymous volumes too. */
  readonly removeVolumes: boolean;
};

/**
 * Removes a container with its snapshot, files and log. Publishes `destroy`.
 *
 * One whose record cannot be read goes with `force` only, and without its volumes.
 *
 * @throws conflict when it runs and `force` is false, or somebody else is removing it
 */
export async function removeContainer(call: Call, engine: Engine, request: RemoveContainerRequest): Promise<void> {
  const unreadable = await findUnreadable(call, engine, request.container);
  if (unreadable !== undefined) return await removeUnreadable(call, engine, unreadable, request.force);
  const { id, status } = await engine.containers.resolve(call, request.container);
  if (status.state === "removing" && engine.locks.isHeld(`container/${call.namespace}/${id}`)) {
    throw new EngineError("conflict", `removal of container ${request.container} is already in progress`);
  }
  if (request.force) await killFirst(call, engine, id);
  using _lock = await lockContainer(call, engine, id);
  const container = await engine.containers.find(call, id);
  // One that removes itself was quicker.
  if (container === undefined) return;
  if (!request.force) refuseRunning(container, request.container);
  await eraseContainer(detachedCall(call, 120_000), engine, container, request.removeVolumes);
}

/**
 * Removes what there is of a container, however far it got, then its record. The caller holds the lock.
 *
 * The record is marked first, with whether its volumes go: after a crash the removal is finished at the next start.
 */
export async function eraseContainer(
  call: Call,
  engine: Engine,
  { id }: Pick<Container, "id">,
  removeVolumes: boolean,
): Promise<void> {
  const container = await advanceContainer(call, engine, id, { t: "removing", volumes: removeVolumes });
  await releaseContainer(call, engine, container);
  const removals = await Promise.allSettled([
    tolerateMissing(getSnapshotter(engine, container).remove(call, container.snapshotKey)),
    removeImageMounts(call, engine, container),
    removeTree(bundleDirectory(engine, container)),
    removeTree(containerDirectory(engine, container)),
  ]);
  for (const removal of removals) if (removal.status === "rejected") throw removal.reason;
  if (removeVolumes) await removeAnonymousVolumes(call, engine, container);
  await engine.containers.delete(call, id);
  engine.garbage.schedule();
  engine.execs.deleteOf(container.namespace, id);
  engine.supervisor.forget(id);
  engine.garbage.schedule();
  publishContainer(engine, container, "destroy");
  const exit = { exitCode: container.status.exitCode, error: "" };
  for (const moment of ["exit", "removal"] as const) engine.supervisor.waiters.wake(id, moment, exit);
}

async function killFirst(call: Call, engine: Engine, id: Container["id"]): Promise<void> {
  try {
    await killContainer(call, engine, { container: id, signal: "SIGKILL" });
  } catch (error) {
    // It does not run, or has gone: just as well.
    if (!isKind(error, "conflict", "notFound")) throw error;
  }
}

function refuseRunning({ status }: Container, idOrName: string): void {
  const fail = (why: string): never => {
    throw new EngineError("conflict", `cannot remove container "${idOrName}": ${why}`);
  };
  const { state } = status;
  if (state === "paused") fail("container is paused and must be unpaused first");
  if (state === "running" || state === "restarting") {
    fail(`container is ${state}: stop the container before removing or force remove`);
  }
}

async function removeAnonymousVolumes(call: Call, engine: Engine, container: Container): Promise<void> {
  const anonymous = container.config.mounts.flatMap((it) => (it.t === "volume" && it.anonymous ? [it.name] : []));
  if (anonymous.length === 0) return;
  const others = await engine.containers.list(call);
  const someUnreadable = (await listUnreadable(call, engine)).length > 0;
  for (const name of anonymous) {
    const used = others.some(
      ({ id, config }) => id !== container.id && config.mounts.some((it) => it.t === "volume" && it.name === name),
    );
    if (!used && !someUnreadable && name !== "") await tolerateMissing(engine.volumes.delete(call, name));
  }
}

async function tolerateMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}
