import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { findTask } from "./find-task.ts";
import { detachNetworks } from "./network-step.ts";

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
    releaseNetwork(call, engine, container),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function releaseNetwork(call: Call, engine: Engine, container: Container): Promise<void> {
  await detachNetworks(call, engine, container);
  if (pinsNetwork(container)) await engine.linuxNamespaces.deleteNetwork(call, container.id);
}

/** Whether a linux network namespace of its own is pinned for it; one without any network is made by the runtime. */
export function pinsNetwork({ config }: Container): boolean {
  return config.linuxNamespaces.network.t === "private";
}
