import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { Call } from "../call.ts";
import { tryCheck, type Check, type CheckBed } from "./check.ts";
import { gpuCheck, gpuRuntimeClass, hasGpuRuntimeClass, offersGpus } from "./checks/gpu.ts";
import { logsCheck } from "./checks/logs.ts";
import { lowPortCheck } from "./checks/low-port.ts";
import { pullCheck, sandboxImageCheck } from "./checks/pull.ts";
import { readinessCheck } from "./checks/readiness.ts";
import { runtimeClassCheck } from "./checks/runtime-class.ts";
import { execCheck, portForwardCheck } from "./checks/streams.ts";
import { removeProbePods } from "./probe-pod.ts";
import { findSandboxImage } from "./sandbox-image.ts";
import { listUsedByPods } from "./used-by-pods.ts";
import type { Proof, Verification } from "./verification.ts";

export type VerifyOptions = {
  readonly node: string;
  /** One that has a shell, `nc` and `sleep`. */
  readonly image: string;
  /** That of the runtime; found among the node's images where absent. */
  readonly sandboxImage?: string | undefined;
  readonly namespace: string;
  /** For each proof. */
  readonly timeoutMs: number;
  /** Told of each proof as it comes. */
  readonly onProof?: (proof: Proof) => void;
};

/** A check, or the proof that one is not needed. */
type Planned = Check | Proof;

/** Lets a node show, one after the other, what pods need of it. Leaves nothing on it. @throws notFound */
export async function verifyNode(call: Call, client: KubernetesClient, options: VerifyOptions): Promise<Verification> {
  const { node, timeoutMs, onProof } = options;
  const object = new JsonReader(await client.get(call, `/api/v1/nodes/${encodeURIComponent(node)}`), `node ${node}`);
  await removeProbePods(call, client, { node });
  const proofs: Proof[] = [];
  for (const planned of await planChecks(call, { ...options, client }, object)) {
    const proof = "prove" in planned ? await tryCheck(call, planned, timeoutMs) : planned;
    proofs.push(proof);
    onProof?.(proof);
  }
  return { version: 1, node, at: new Date().toISOString(), runtime: runtimeOf(object), proofs };
}

async function planChecks(call: Call, bed: CheckBed & VerifyOptions, object: JsonReader): Promise<Planned[]> {
  const { registries, runtimeClasses } = await listUsedByPods(call, bed.client, bed.node);
  const sandboxImage = bed.sandboxImage ?? findSandboxImage(object);
  // Docker's GPUs come by its default runtime: dockershim takes no pod of a RuntimeClass with a handler.
  const hasClass = offersGpus(object) && !isDocker(object) && (await hasGpuRuntimeClass(call, bed));
  const classes = new Set([...runtimeClasses, ...(hasClass ? [gpuRuntimeClass] : [])]);
  return [
    readinessCheck(bed.node, object),
    ...registries.map((registry) => pullCheck(bed, registry)),
    sandboxImage === undefined
      ? skipped("pull sandbox image", "not among the images that the node tells of: name it with --sandbox-image")
      : sandboxImageCheck(bed, sandboxImage),
    execCheck(bed),
    portForwardCheck(bed),
    logsCheck(bed),
    lowPortCheck(bed),
    ...[...classes].map((name) => runtimeClassCheck(bed, name)),
    offersGpus(object) ? gpuCheck(bed, hasClass) : skipped("gpu", "the node offers none"),
  ];
}

function runtimeOf(node: JsonReader): string {
  return node.at("status").at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "";
}

function isDocker(node: JsonReader): boolean {
  return runtimeOf(node).startsWith("docker://");
}

function skipped(name: string, detail: string): Proof {
  return { name, outcome: "skipped", detail };
}
