import { EngineError } from "#base/errors.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { findPauseTask } from "#engine/sandbox-pause.ts";
import { containersOf } from "#engine/stop-sandbox.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { podCall } from "./list-pods.ts";
import { toPodInspect } from "./to-pod.ts";

/** `ferry inspect` of a pod: by the beginning of its id, by `namespace/name`, or by its name where only one has it. */
export async function inspectPod(context: RouteContext): Promise<Answer> {
  const { engine, name } = context;
  const call = podCall(context);
  const sandbox = (await engine.sandboxes.find(call, name)) ?? (await findByName(context, name));
  const [containers, pause] = await Promise.all([
    containersOf(call, engine, sandbox.id),
    findPauseTask(call, engine, sandbox),
  ]);
  const pid = pause === undefined || pause.exit !== undefined ? 0 : pause.pid;
  return json(toPodInspect(engine, sandbox, { containers, pid }));
}

/** Of several attempts the last. @throws notFound @throws invalidArgument when pods of several namespaces have it */
async function findByName(context: RouteContext, text: string): Promise<Sandbox> {
  const [name = "", namespace] = text.split("/").toReversed();
  const all = await context.engine.sandboxes.list(podCall(context));
  const found = all.filter(({ pod }) => pod.name === name && (namespace === undefined || pod.namespace === namespace));
  const sandbox = found.at(-1);
  if (sandbox === undefined) throw new EngineError("notFound", `no such pod: ${text}`);
  if (new Set(found.map(({ pod }) => pod.namespace)).size > 1) {
    throw new EngineError("invalidArgument", `pod ${text}: in several namespaces; name one: NAMESPACE/${text}`);
  }
  return sandbox;
}
