import { isKind } from "#base/errors.ts";
import { removeTree } from "#base/remove-tree.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";
import { removeContainer } from "./remove-container.ts";
import { lockSandbox } from "./sandbox-lock.ts";
import { pauseRef } from "./sandbox-pause.ts";
import { sandboxPaths } from "./sandbox-paths.ts";
import { containersOf, releaseSandbox } from "./stop-sandbox.ts";

/** Removes a sandbox with all its containers. Nothing of that name is a success. Publishes `destroy`. */
export async function removeSandbox(call: Call, engine: Engine, idOrPrefix: string): Promise<void> {
  const found = await engine.sandboxes.find(call, idOrPrefix);
  if (found === undefined) return;
  using _lock = await lockSandbox(call, engine, found.id);
  const sandbox = await engine.sandboxes.find(call, found.id);
  if (sandbox !== undefined) await eraseSandbox(detachedCall(call, 120_000), engine, sandbox);
}

/** Removes what there is of a sandbox, however far it got, then its record. The caller holds the lock. */
export async function eraseSandbox(call: Call, engine: Engine, { id }: Pick<Sandbox, "id">): Promise<void> {
  const sandbox = await engine.sandboxes.update(call, id, (now) => ({ ...now, state: "removing" }));
  for (const container of await containersOf(call, engine, id)) {
    try {
      await removeContainer(call, engine, { container: container.id, force: true, removeVolumes: true });
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
    }
  }
  await releaseSandbox(call, engine, sandbox);
  const { directory, stateDirectory } = sandboxPaths(engine, sandbox);
  await Promise.all(
    [directory, stateDirectory, engine.runtime.bundlePath(pauseRef(sandbox))].map((path) => removeTree(path)),
  );
  await engine.sandboxes.delete(call, id);
  const { namespace, name } = sandbox;
  engine.events.publish({ namespace, type: "sandbox", action: "destroy", actorId: id, attributes: { name } });
}
