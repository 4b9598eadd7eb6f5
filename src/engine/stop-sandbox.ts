import { isKind } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { PodAttachment } from "#core/sandboxes/pod-network.ts";
import type { Sandbox, SandboxId } from "#core/sandboxes/sandbox.ts";
import { isUp } from "./container-machine.ts";
import type { Engine } from "./engine.ts";
import { stopPause } from "./sandbox-pause.ts";
import { lockSandbox, pinnedKinds } from "./sandbox-lock.ts";
import { sandboxPaths } from "./sandbox-paths.ts";
import { stopContainer } from "./stop-container.ts";

/**
 * Stops a sandbox: its containers are killed, its network, linux namespaces and shared memory taken away. Idempotent:
 * one that is stopped already is looked at again, since the kubelet repeats the call until it succeeds.
 *
 * @throws notFound
 */
export async function stopSandbox(call: Call, engine: Engine, idOrPrefix: string): Promise<Sandbox> {
  const { id } = await engine.sandboxes.get(call, idOrPrefix);
  using _lock = await lockSandbox(call, engine, id);
  const sandbox = await engine.sandboxes.get(call, id);
  await killContainers(call, engine, id);
  await releaseSandbox(detachedCall(call), engine, sandbox);
  if (sandbox.state !== "ready") return sandbox;
  const stopped = await engine.sandboxes.update(call, id, (now) => ({ ...now, state: "notReady" }));
  const { namespace, name } = stopped;
  engine.events.publish({ namespace, type: "sandbox", action: "stop", actorId: id, attributes: { name } });
  return stopped;
}

/** Containers that live in a sandbox. */
export async function containersOf(
  call: Call,
  engine: Pick<Engine, "containers">,
  id: SandboxId,
): Promise<Container[]> {
  return (await engine.containers.list(call)).filter(({ sandboxId }) => sandboxId === id);
}

/** Takes away what a sandbox has on the machine, its files on disk excepted. Idempotent; every part is tried. */
export async function releaseSandbox(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  const results = await Promise.allSettled([
    stopPause(call, engine, sandbox),
    releaseNetwork(call, engine, sandbox),
    releaseShm(call, engine, sandbox),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** What the pod network is told of a sandbox. */
export function toPodAttachment({ podNamespaces }: Pick<Engine, "podNamespaces">, sandbox: Sandbox): PodAttachment {
  const { id, pod, annotations, config } = sandbox;
  return {
    sandboxId: id,
    linuxNamespacePath: podNamespaces.pathOf(id, "network"),
    pod,
    ports: config.ports,
    annotations,
    cgroupParent: config.cgroupParent,
    dns: config.dns,
  };
}

/** First the plugins: they look into the linux namespace. */
async function releaseNetwork(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  const kinds = pinnedKinds(sandbox);
  if (kinds.length === 0) return;
  if (sandbox.networked) {
    const there = await engine.podNamespaces.has(sandbox.id, ["network"]);
    const attachment = toPodAttachment(engine, sandbox);
    await engine.podNetwork.detach(call, there ? attachment : { ...attachment, linuxNamespacePath: "" });
  }
  await engine.podNamespaces.delete(call, sandbox.id);
  await engine.sandboxes.update(call, sandbox.id, (now) => (now.networked ? { ...now, networked: false } : now));
}

async function releaseShm(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  if (sandbox.config.linuxNamespaces.ipc === "pod")
    await engine.mounter.unmount(call, sandboxPaths(engine, sandbox).shm);
}

async function killContainers(call: Call, engine: Engine, id: SandboxId): Promise<void> {
  const running = (await containersOf(call, engine, id)).filter(({ status }) => isUp(status));
  await Promise.all(
    running.map(async (container) => {
      try {
        await stopContainer(call, engine, { container: container.id, graceMs: 0, signal: "SIGKILL" });
      } catch (error) {
        if (!isKind(error, "notModified", "notFound")) throw error;
      }
    }),
  );
}
