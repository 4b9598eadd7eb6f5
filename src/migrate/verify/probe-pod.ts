import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { PodPlace } from "#clients/kubernetes/pod-streams.ts";
import type { Call } from "../call.ts";

/** A pod that is made to prove something about a node, and does not outlive the proof. */
export type ProbePod = {
  readonly node: string;
  readonly namespace: string;
  readonly image: string;
  readonly command: readonly string[];
  /** Runs in the container; the pod is ready when it succeeds. */
  readonly readyWhen?: readonly string[];
  /** A user other than root, without capabilities. */
  readonly runAsUser?: number;
  readonly pullPolicy?: "Always" | "IfNotPresent";
  readonly pullSecrets?: readonly string[];
  readonly runtimeClass?: string;
  /** Devices of a device plugin: `nvidia.com/gpu`, one each. */
  readonly devices?: readonly string[];
};

/** What the API says of a pod. */
export type ProbeState = {
  readonly ready: boolean;
  readonly phase: string;
  /** Why it waits or has failed: `ErrImagePull: …`. */
  readonly text: string;
  /** The image is there: it has been pulled, whatever came of starting it. */
  readonly hasImage: boolean;
};

/** Of every probe's label `app`. */
export const probeLabel = "ferry-migrate-probe";

function podsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
}

/** Makes the pod, lets `use` look at it, and removes it whatever comes of that. */
export async function withProbePod<T>(
  call: Call,
  client: KubernetesClient,
  pod: ProbePod,
  use: (place: PodPlace) => Promise<T>,
): Promise<T> {
  const name = `${probeLabel}-${randomBytes(4).toString("hex")}`;
  const place = { namespace: pod.namespace, name };
  await using undo = new AsyncDisposableStack();
  // An answer that never came may have been of a pod that was made.
  undo.defer(async () => await removePod({ signal: AbortSignal.timeout(15_000) }, client, place));
  await client.create(call, podsPath(pod.namespace), manifest(name, pod));
  return await use(place);
}

/**
 * Waits until `isThere` holds.
 *
 * @throws deadlineExceeded with the pod's last state once `call` has ended, or when nothing better can come: it failed, or its
 *   registry refused the image
 */
export async function waitForPod(
  call: Call,
  client: KubernetesClient,
  pod: PodPlace,
  isThere: (state: ProbeState) => boolean,
): Promise<ProbeState> {
  let state: ProbeState | undefined;
  try {
    for (;;) {
      const now = stateOf(await client.get(call, `${podsPath(pod.namespace)}/${pod.name}`));
      state = { ...now, text: withReason(now.text, state?.text) };
      if (isThere(state)) return state;
      if (state.phase === "Failed" || refused.test(state.text)) throw notThere(pod, state);
      await sleep(500, undefined, { signal: call.signal });
    }
  } catch (error) {
    if (isKind(error, "deadlineExceeded", "canceled")) throw notThere(pod, state);
    throw error;
  }
}

/** The lines of its log so far, as the kubelet reads them from the runtime's. */
export async function readLog(call: Call, client: KubernetesClient, pod: PodPlace): Promise<string[]> {
  const path = `${podsPath(pod.namespace)}/${pod.name}/log`;
  return (await client.raw(call, { path })).split("\n").filter((line) => line !== "");
}

/**
 * Removes what earlier runs that were killed have left on a node, in every namespace or one. A node's own identity may list
 * its own pods only.
 */
export async function removeProbePods(
  call: Call,
  client: KubernetesClient,
  { node, namespace }: { readonly node: string; readonly namespace?: string },
): Promise<void> {
  const path = namespace === undefined ? "/api/v1/pods" : podsPath(namespace);
  const selectors = { labelSelector: probeSelector(node), fieldSelector: `spec.nodeName=${node}` };
  for await (const page of client.list(call, path, selectors)) {
    for (const item of page.items) {
      const metadata = new JsonReader(item, "pod").at("metadata");
      await removePod(call, client, {
        namespace: metadata.at("namespace").string(),
        name: metadata.at("name").string(),
      });
    }
  }
}

/** The labels that all probes of a node have. */
export function probeSelector(node: string): string {
  return `app=${probeLabel},node=${labelValue(node)}`;
}

/** Bound by name, so that no scheduler is asked, and tolerating whatever keeps others off. */
function manifest(name: string, pod: ProbePod) {
  const { namespace, node, image, command, readyWhen, runAsUser, pullPolicy = "IfNotPresent", pullSecrets = [] } = pod;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: probeLabel, node: labelValue(node) } },
    spec: {
      nodeName: node,
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
      imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })),
      ...(pod.runtimeClass === undefined ? {} : { runtimeClassName: pod.runtimeClass }),
      containers: [
        {
          name: "probe",
          image,
          imagePullPolicy: pullPolicy,
          command,
          resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: deviceLimits(pod.devices) },
          ...(readyWhen === undefined
            ? {}
            : { readinessProbe: { exec: { command: readyWhen }, periodSeconds: 1, timeoutSeconds: 10 } }),
          ...(runAsUser === undefined
            ? {}
            : { securityContext: { runAsUser, runAsNonRoot: true, capabilities: { drop: ["ALL"] } } }),
        },
      ],
    },
  };
}

/** Asking again would change nothing. */
const refused =
  /(ErrImagePull|ImagePullBackOff).*(\b40[13]\b|unauthorized|denied|authentication required|authorization failed|manifest unknown|x509: |HTTP response to HTTPS client)/is;

/** A kubelet that waits for its next try says no more why the last one failed. */
function withReason(text: string, earlier = ""): string {
  if (!text.includes("BackOff") || earlier === "") return text;
  const reason = earlier.split("; before: ").at(-1) ?? earlier;
  return reason.includes("BackOff") ? text : `${text}; before: ${reason}`;
}

function deviceLimits(devices: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(devices.map((name) => [name, "1"]));
}

function stateOf(object: unknown): ProbeState {
  const status = new JsonReader(object, "pod").at("status");
  const container = status.at("containerStatuses").list(10)[0];
  const phase = status.at("phase").optionalString() ?? "Pending";
  const waiting = container?.at("state").at("waiting");
  const ended = container?.at("state").at("terminated");
  const said = [status, waiting, ended].flatMap((at) => [
    at?.at("reason").optionalString() ?? "",
    at?.at("message").optionalString() ?? "",
  ]);
  return {
    ready: container?.at("ready").boolean() ?? false,
    phase,
    text: [phase, ...said].filter((word) => word !== "").join(": "),
    hasImage: (container?.at("imageID").optionalString() ?? "") !== "",
  };
}

function notThere({ namespace, name }: PodPlace, state: ProbeState | undefined): EngineError {
  return new EngineError("deadlineExceeded", `pod ${namespace}/${name}: ${textOf(state)}`);
}

function textOf(state: ProbeState | undefined): string {
  if (state === undefined) return "the API does not answer";
  return state.text === "Running" && !state.ready ? "Running, and not ready" : state.text;
}

async function removePod(call: Call, client: KubernetesClient, { namespace, name }: PodPlace): Promise<void> {
  try {
    await client.delete(call, `${podsPath(namespace)}/${name}`, { gracePeriodSeconds: 0 });
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}

/** Names of nodes may be longer than a label's value. */
function labelValue(node: string): string {
  return node.slice(0, 63).replace(/[^A-Za-z0-9]+$/, "");
}
