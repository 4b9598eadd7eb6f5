import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { rootfsDirectory } from "./container-paths.ts";
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
  // First the processes: they hold the mounts and the linux namespace.
  const task = await findTask(call, engine, container);
  await task?.delete(call, { force: true });
  const results = await Promise.allSettled([
    engine.mounter.unmount(call, rootfsDirectory(engine, container)),
    unmountImages(call, engine, container),
    unmountIdMapped(call, engine, container),
    detachNetworks(call, engine, container),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
