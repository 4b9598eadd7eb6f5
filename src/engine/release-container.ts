import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { rootfsDirectory } from "./container-paths.ts";
import type { Task } from "#core/tasks/runtime.ts";
import { featuresOf } from "./collect-spec-facts.ts";
import type { Engine } from "./engine.ts";
import { findTask } from "./find-task.ts";
import { unmountIdMapped } from "./id-mapped-mounts.ts";
import { unmountImages } from "./image-mounts.ts";
import { detachNetworks } from "./container-network.ts";

/**
 * Takes away what a container has while it runs: task, networks, mounts. What is left of its processes is killed.
 *
 * Idempotent; every part is tried, the first failure is thrown at the end.
 */
export async function releaseContainer(call: Call, engine: Engine, container: Container): Promise<void> {
  const task = await findTask(call, engine, container);
  const deleted = task?.delete(call, { force: true });
  // First the processes, where there may be some: they hold the mounts and the linux namespace.
  if (task === undefined || !isSurelyEmpty(engine, container, task)) await deleted;
  const results = await Promise.allSettled([
    deleted,
    engine.mounter.unmount(call, rootfsDirectory(engine, container)),
    unmountImages(call, engine, container),
    unmountIdMapped(call, engine, container),
    detachNetworks(call, engine, container),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** The kernel ends a PID namespace with its first process; where a VM is around it, what the runtime does comes first. */
function isSurelyEmpty(engine: Engine, container: Container, { exit }: Task): boolean {
  const own = container.config.linuxNamespaces.pid.t === "private";
  return exit !== undefined && own && !featuresOf(engine, container).sandboxProcess;
}
