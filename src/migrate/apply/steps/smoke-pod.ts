import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { within, type Call } from "../../call.ts";
import type { StepAction } from "../../plan/step.ts";
import { explainFailure } from "../explain-failure.ts";
import type { StepContext, StepRun } from "../step-run.ts";

const pods = "/api/v1/namespaces/kube-system/pods";
const label = "ferry-migrate-smoke";

type SmokeAction = StepAction & { kind: "smoke-pod" };

/**
 * A pod bound to the node, of an image that has a shell: it runs, its readiness probe is an exec, and its log says what it
 * was told to say. Removed again, whatever comes of it.
 */
export function smokePod(context: StepContext, action: SmokeAction): StepRun {
  return {
    save: async () => await Promise.resolve(null),
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const client = await context.kubernetes();
      await removeSmokePods(call, client, action.node);
      const name = `${label}-${randomBytes(4).toString("hex")}`;
      await client.create(call, pods, manifest(name, action));
      try {
        await prove(within(call, action.timeoutMs), client, { name, action });
        context.tell(`pod ${name} ran, answered exec and was heard`);
      } finally {
        await removeSmokePods({ signal: AbortSignal.timeout(15_000) }, client, action.node);
      }
    },
    verify: async () => await Promise.resolve(),
    undo: async (call) => await removeSmokePods(call, await context.kubernetes(), action.node),
  };
}

/** Bound by name, so no scheduler is asked, and tolerating whatever keeps others off. */
function manifest(name: string, { node, image }: SmokeAction) {
  const requests = { cpu: "10m", memory: "16Mi" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "kube-system", labels: { app: label, node: labelValue(node) } },
    spec: {
      nodeName: node,
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
      containers: [
        {
          name: "smoke",
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", `echo ${name}; exec sleep 600`],
          readinessProbe: { exec: { command: ["sh", "-c", "exit 0"] }, periodSeconds: 1, timeoutSeconds: 10 },
          resources: { requests },
        },
      ],
    },
  };
}

async function prove(call: Call, client: KubernetesClient, { name, action }: { name: string; action: SmokeAction }) {
  let state = "not started";
  try {
    for (;;) {
      const pod = new JsonReader(await client.get(call, `${pods}/${name}`), `pod ${name}`);
      state = describe(pod);
      if (state === "ready") break;
      if (pod.at("status").at("phase").optionalString() === "Failed") throw failure(name, action, state);
      await sleep(500, undefined, { signal: call.signal });
    }
    state = "ready, and its log cannot be read";
    const log = await client.raw(call, { path: `${pods}/${name}/log` });
    if (log.split("\n").some((line) => line === name)) return;
    throw failure(name, action, `its log has not the line it wrote but: ${log.slice(0, 200)}`);
  } catch (error) {
    if (isKind(error, "deadlineExceeded", "canceled")) throw failure(name, action, state);
    throw error;
  }
}

/** `ready`, or what keeps it from that. */
function describe(pod: JsonReader): string {
  const status = pod.at("status");
  const container = status.at("containerStatuses").list(10)[0];
  if (container?.at("ready").boolean() === true) return "ready";
  const waiting = container?.at("state").at("waiting");
  const reason = waiting?.at("reason").optionalString() ?? status.at("reason").optionalString() ?? "";
  const message = waiting?.at("message").optionalString() ?? status.at("message").optionalString() ?? "";
  return [status.at("phase").optionalString() ?? "Pending", reason, message].filter((text) => text !== "").join(": ");
}

function failure(name: string, { node, timeoutMs }: SmokeAction, state: string): EngineError {
  const hints = explainFailure([state]).map((hint) => `\n  ${hint}`);
  const text = `pod ${name} on node ${node}: not ready within ${timeoutMs / 1000} s: ${state}${hints.join("")}`;
  return new EngineError("deadlineExceeded", text);
}

async function removeSmokePods(call: Call, client: KubernetesClient, node: string): Promise<void> {
  const labelSelector = `app=${label},node=${labelValue(node)}`;
  for await (const page of client.list(call, pods, { labelSelector })) {
    for (const item of page.items) {
      const name = new JsonReader(item, "pod").at("metadata").at("name").string();
      try {
        await client.delete(call, `${pods}/${name}`, { gracePeriodSeconds: 0 });
      } catch (error) {
        if (!isKind(error, "notFound")) throw error;
      }
    }
  }
}

/** Names of nodes may be longer than a label's value. */
function labelValue(node: string): string {
  return node.slice(0, 63).replace(/[^A-Za-z0-9]+$/, "");
}
