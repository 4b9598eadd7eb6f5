import { randomBytes } from "node:crypto";
import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { PodIdentity, Sandbox, SandboxConfig, SandboxId } from "#core/sandboxes/sandbox.ts";
import { featuresOfHandler } from "./collect-spec-facts.ts";
import type { Engine } from "./engine.ts";
import { eraseSandbox } from "./remove-sandbox.ts";
import { writeSandboxFiles } from "./sandbox-files.ts";
import { lockSandbox, pinnedKinds } from "./sandbox-lock.ts";
import { toPodAttachment } from "./stop-sandbox.ts";
import { needsPause, startPause, type PauseRequest } from "./sandbox-pause.ts";

export type RunSandboxRequest = {
  readonly pod: PodIdentity;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Empty: the default one. */
  readonly runtimeHandler: string;
  readonly config: SandboxConfig;
  readonly extensions: Readonly<Record<string, JsonObject>>;
};

/**
 * Makes a pod's sandbox: linux namespaces, network, files. On failure nothing is left. Publishes `create` and `start`.
 *
 * @throws alreadyExists when there is a sandbox of the same pod and attempt
 * @throws invalidArgument for a handler or a sysctl that is not known @throws unavailable without a pod network
 */
export async function runSandbox(call: Call, engine: Engine, request: RunSandboxRequest): Promise<Sandbox> {
  const handler = handlerNamed(engine, request.runtimeHandler);
  if (request.config.idMappings !== undefined && !featuresOfHandler(engine, handler).userNamespaces) {
    throw new EngineError(
      "invalidArgument",
      `runtime handler ${handler}: this machine has no user namespaces for pods`,
    );
  }
  const sandbox = newSandbox(call, request);
  // Before anything is made or locked: the image may have to be pulled.
  const pause = await findPause(call, engine, sandbox, handler);
  await engine.sandboxes.create(call, sandbox);
  using _lock = await lockSandbox(call, engine, sandbox.id);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => eraseSandbox(detachedCall(call), engine, sandbox));
  const kinds = pinnedKinds(sandbox);
  const { hostname, sysctls, idMappings: mappings } = sandbox.config;
  const namespaces = { kinds, hostname, sysctls, ...(mappings !== undefined && { mappings }) };
  if (kinds.length > 0) await engine.podNamespaces.create(call, sandbox.id, namespaces);
  const [filled, attached] = await Promise.allSettled([
    fill(call, engine, sandbox, pause),
    sandbox.networked ? engine.podNetwork.attach(call, toPodAttachment(engine, sandbox)) : [],
  ]);
  if (attached.status === "rejected") throw attached.reason;
  if (filled.status === "rejected") throw filled.reason;
  const addresses = attached.value;
  const ready = await engine.sandboxes.update(call, sandbox.id, (now) => ({ ...now, state: "ready", addresses }));
  undo.move();
  publishSandbox(engine, ready, "create");
  publishSandbox(engine, ready, "start");
  return ready;
}

/** Name of the handler that stands for `asked`. @throws invalidArgument */
export function handlerNamed({ runtime }: Pick<Engine, "runtime">, asked: string): string {
  if (asked === "") return runtime.defaultHandler;
  if (runtime.features().some(({ name }) => name === asked)) return asked;
  throw new EngineError("invalidArgument", `runtime handler ${JSON.stringify(asked)}: not configured`);
}

/** States what became of a sandbox. */
export function publishSandbox({ events }: Pick<Engine, "events">, sandbox: Sandbox, action: string): void {
  const { namespace, id, name } = sandbox;
  events.publish({ namespace, type: "sandbox", action, actorId: id, attributes: { name } });
}

async function findPause(
  call: Call,
  engine: Engine,
  sandbox: Sandbox,
  runtimeHandler: string,
): Promise<PauseRequest | undefined> {
  if (!needsPause(engine, sandbox, runtimeHandler)) return undefined;
  return { runtimeHandler, image: await engine.sandboxImage.find(call, engine) };
}

async function fill(call: Call, engine: Engine, sandbox: Sandbox, pause: PauseRequest | undefined): Promise<void> {
  await writeSandboxFiles(call, engine, sandbox);
  if (pause !== undefined) await startPause(call, engine, sandbox, pause);
}

function newSandbox({ namespace }: Call, request: RunSandboxRequest): Sandbox {
  const { name, namespace: podNamespace, uid, attempt } = request.pod;
  return {
    id: randomBytes(32).toString("hex") as SandboxId,
    namespace,
    name: `${name}_${podNamespace}_${uid}_${attempt}`,
    ...request,
    state: "creating",
    addresses: [],
    networked: request.config.linuxNamespaces.network === "pod",
    createdAtNs: nowNs(),
  };
}
