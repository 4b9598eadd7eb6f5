import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";
import { eraseSandbox } from "./remove-sandbox.ts";
import { pinnedKinds } from "./sandbox-lock.ts";
import { findPauseTask, needsPause } from "./sandbox-pause.ts";
import { releaseSandbox } from "./stop-sandbox.ts";

/**
 * At start, after the containers: half-made and half-removed sandboxes are taken away with what their network gave them,
 * those that a reboot emptied become `notReady`, linux namespaces without a sandbox go.
 */
export async function recoverSandboxes(call: Call, engine: Engine): Promise<void> {
  for (const sandbox of await engine.sandboxes.listAll()) {
    try {
      await settle({ ...call, namespace: sandbox.namespace }, engine, sandbox);
    } catch (error) {
      call.log.error({ sandboxId: sandbox.id, error: messageOf(error) }, "sandbox not recovered");
    }
  }
  const known = new Set<string>((await engine.sandboxes.listAll()).map(({ id }) => id));
  for (const name of await engine.podNamespaces.list()) {
    if (!known.has(name)) await engine.podNamespaces.delete(call, name);
  }
}

async function settle(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  if (sandbox.state === "creating" || sandbox.state === "removing") return await eraseSandbox(call, engine, sandbox);
  if (sandbox.state === "notReady" || (await isWhole(call, engine, sandbox))) return;
  await releaseSandbox(call, engine, sandbox);
  await engine.sandboxes.update(call, sandbox.id, (now) => ({ ...now, state: "notReady" }));
}

async function isWhole(call: Call, engine: Engine, sandbox: Sandbox): Promise<boolean> {
  if (!(await engine.podNamespaces.has(sandbox.id, pinnedKinds(sandbox)))) return false;
  if (!needsPause(engine, sandbox, sandbox.runtimeHandler)) return true;
  const pause = await findPauseTask(call, engine, sandbox);
  return pause !== undefined && pause.exit === undefined;
}
