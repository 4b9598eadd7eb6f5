import type { Call } from "../call.ts";
import { isKind, messageOf } from "#base/errors.ts";
import { Limiter } from "#base/limiter.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { NodeConfig, NodeMetrics } from "./cluster-facts.ts";
import type { FactsBuilder } from "./facts-builder.ts";
import { Field } from "./field.ts";

type Into = { client: KubernetesClient; builder: FactsBuilder; progress: (text: string) => void };

const together = 16;
/** Of nodes that are named; the others are counted. */
const maxNames = 5;
const maxAnswerBytes = 64 * 1024 * 1024;
const timeoutMs = 10_000;
const rule = 'apiGroups: [""], resources: ["nodes/proxy"], verbs: ["get"]';
const wantedMetrics = /^(?:kubelet_cri_losing_support|kubelet_cgroup_version)\b/;

/**
 * Asks each node's kubelet for its configuration and two of its metrics. The right to ask reaches far (it opens all of the
 * kubelet's API), so its absence is no gap: the first refusal ends it.
 */
export async function readNodeProxies(call: Call, into: Into): Promise<void> {
  const { builder, progress } = into;
  const limiter = new Limiter(together);
  const names = builder.nodeNames;
  let done = 0;
  let refused = false;
  const failures = new Map<string, string[]>();
  await Promise.all(
    names.map(async (name) => {
      using _place = await limiter.acquire(call.signal);
      if (refused) return;
      try {
        await readNode(call, into, name);
        progress(`kubelets: ${++done} of ${names.length}`);
      } catch (error) {
        if (isKind(error, "canceled") && call.signal.aborted) throw error;
        if (isKind(error, "permissionDenied")) refused = true;
        else {
          const why = messageOf(error).replaceAll(name, "NODE");
          failures.set(why, [...(failures.get(why) ?? []), name]);
        }
      }
    }),
  );
  for (const [why, nodes] of failures) builder.miss({ ...missingOf(why, nodes), isOptional: true });
  if (refused) builder.miss({ what: "kubelets' configuration and metrics", why: "forbidden", rule, isOptional: true });
}

/** Whatever keeps the API server from one kubelet keeps it from many: said once. */
function missingOf(why: string, nodes: readonly string[]): { what: string; why: string } {
  const [first = "", ...others] = nodes.toSorted();
  if (others.length === 0) return { what: `kubelet of ${first}`, why: why.replaceAll("NODE", first) };
  const rest = others.length > maxNames - 1 ? ` and ${others.length - maxNames + 1} more` : "";
  return { what: `kubelets of ${[first, ...others].slice(0, maxNames).join(", ")}${rest}`, why };
}

async function readNode(call: Call, { client, builder }: Into, name: string): Promise<void> {
  const path = `/api/v1/nodes/${encodeURIComponent(name)}/proxy`;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]);
  const ask = async (what: string) =>
    await client.raw({ signal }, { path: `${path}/${what}`, retry: "never", maxBytes: maxAnswerBytes });
  const config: NodeConfig = {
    place: { t: "api", path: `${path}/configz` },
    values: configValues(new Field(JSON.parse(await ask("configz"))).at("kubeletconfig")),
  };
  const metrics: NodeMetrics = {
    place: { t: "api", path: `${path}/metrics` },
    lines: (await ask("metrics")).split("\n").filter((line) => wantedMetrics.test(line)),
  };
  builder.setNode(name, { config, metrics });
}

function configValues(config: Field): Record<string, string> {
  return Object.fromEntries(
    config
      .entries()
      .flatMap(([key, { value }]) =>
        typeof value === "string" || typeof value === "number" || typeof value === "boolean"
          ? [[key, String(value)]]
          : [],
      ),
  );
}
