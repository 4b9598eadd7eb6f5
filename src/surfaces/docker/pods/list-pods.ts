import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { Filters } from "../filters.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toPodSummary } from "./to-pod.ts";

const filterKeys = ["id", "label", "name", "namespace", "state"];

/** `ferry pods`: the kubelet's pods, the newest first. */
export async function listPods(context: RouteContext): Promise<Answer> {
  const { engine, query } = context;
  const call = podCall(context);
  const filters = Filters.parse(query.text("filters"), filterKeys);
  const states = filters.get("state").map((state) => state.toLowerCase());
  if (!states.every((state) => state === "ready" || state === "notready")) throw filters.invalid("state");
  const limit = query.integer("limit") ?? 0;
  const all = (await engine.sandboxes.list(call)).filter((sandbox) => fits(sandbox, filters, states)).toReversed();
  const containers = Map.groupBy(await engine.containers.list(call), ({ sandboxId }) => sandboxId);
  const shown = limit > 0 ? all.slice(0, limit) : all;
  return json(shown.map((sandbox) => toPodSummary(sandbox, containers.get(sandbox.id) ?? [])));
}

/** In the pods' namespace, unless another than Docker's own is asked for. */
export function podCall({ call, settings }: Pick<RouteContext, "call" | "settings">): Call {
  const isAsked = call.namespace !== settings.namespace;
  return isAsked || settings.pods === undefined ? call : { ...call, namespace: settings.pods.namespace };
}

function fits(sandbox: Sandbox, filters: Filters, states: readonly string[]): boolean {
  const { id, pod, labels, state } = sandbox;
  if (state === "creating") return false;
  return (
    filters.some("id", (value) => id.startsWith(value)) &&
    filters.matchName("name", pod.name) &&
    filters.some("namespace", (value) => value === pod.namespace) &&
    (states.length === 0 || states.includes(state === "ready" ? "ready" : "notready")) &&
    filters.matchLabels(labels)
  );
}
