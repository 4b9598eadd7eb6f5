import { isKind, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { within, type Call } from "../call.ts";
import { readLog, removeProbePods, waitForPod, withProbePod, type ProbePod } from "./probe-pod.ts";
import { listUsedRegistries, type UsedRegistry } from "./used-registries.ts";
import type { Proof, Verification } from "./verification.ts";

export type VerifyOptions = {
  readonly node: string;
  /** One that has a shell, `nc` and `sleep`. */
  readonly image: string;
  readonly namespace: string;
  /** For each proof. */
  readonly timeoutMs: number;
  /** Told of each proof as it comes. */
  readonly onProof?: (proof: Proof) => void;
};

type Check = { readonly name: string; readonly prove: (call: Call) => Promise<string> };

/** Lets a node show, one after the other, what pods need of it. Leaves nothing on it. @throws notFound */
export async function verifyNode(call: Call, client: KubernetesClient, options: VerifyOptions): Promise<Verification> {
  const { node } = options;
  const object = new JsonReader(await client.get(call, `/api/v1/nodes/${encodeURIComponent(node)}`), `node ${node}`);
  await removeProbePods(call, client, node);
  const registries = await listUsedRegistries(call, client, node);
  const checks = [
    readiness(object),
    ...registries.map((registry) => pull(client, options, registry)),
    ...behaviours(client, options),
  ];
  const proofs: Proof[] = [];
  for (const check of checks) proofs.push(await tryCheck(call, check, options));
  proofs.push(await tryGpu(call, client, object, options));
  const runtime = object.at("status").at("nodeInfo").at("containerRuntimeVersion").optionalString() ?? "";
  return { version: 1, node, at: new Date().toISOString(), runtime, proofs };
}

async function tryCheck(call: Call, { name, prove }: Check, { timeoutMs, onProof }: VerifyOptions): Promise<Proof> {
  let proof: Proof;
  try {
    proof = { name, outcome: "passed", detail: await prove(within(call, timeoutMs)) };
  } catch (error) {
    if (call.signal.aborted) throw error;
    proof = { name, outcome: "failed", detail: messageOf(error) };
  }
  onProof?.(proof);
  return proof;
}

function readiness(object: JsonReader): Check {
  return {
    name: "node ready",
    prove: async () => {
      const conditions = object.at("status").at("conditions").list(1_000);
      const ready = conditions.find((condition) => condition.at("type").string() === "Ready");
      const message = ready?.at("message").optionalString() ?? "no Ready condition";
      if (ready?.at("status").string() !== "True") throw new Error(message);
      return await Promise.resolve(message);
    },
  };
}

/**
 * The image is asked for anew, with its pod's own credentials; the workload itself is not run: what is started in its place
 * need not be there. That the pod starts at all shows the sandbox image, which has no credentials.
 */
function pull(client: KubernetesClient, { node }: VerifyOptions, registry: UsedRegistry): Check {
  const { host, image, namespace, pullSecrets } = registry;
  const secrets = pullSecrets.length === 0 ? "" : ` with ${pullSecrets.join(", ")}`;
  const command = ["/ferry-migrate-pulls-only"];
  return {
    name: `pull ${host}${secrets}`,
    prove: async (call) => {
      const pod: ProbePod = { node, namespace, image, pullSecrets, pullPolicy: "Always", command };
      return await withProbePod(call, client, pod, async (name) => {
        // Started in vain, or ended: either way, it was pulled.
        const startedOnce = /RunContainerError|StartError|CreateContainerError|CrashLoopBackOff|ContainerCannotRun/;
        const place = { namespace, name };
        await waitForPod(
          call,
          client,
          place,
          ({ hasImage, ready, text }) => hasImage || ready || startedOnce.test(text),
        );
        return image;
      });
    },
  };
}

function behaviours(client: KubernetesClient, { node, image, namespace }: VerifyOptions): Check[] {
  const base = { node, namespace, image };
  const line = 'ferry migrate verify: one line, with a \\ and a " in it';
  return [
    {
      name: "exec",
      prove: async (call) => {
        const pod = { ...base, command: ["sleep", "600"], readyWhen: ["sh", "-c", "test -e /proc/1"] };
        return await withProbePod(call, client, pod, async (name) => {
          await waitForPod(call, client, { namespace, name }, ({ ready }) => ready);
          return "a command ran in a pod";
        });
      },
    },
    {
      name: "logs",
      prove: async (call) => {
        const pod = { ...base, command: ["sh", "-c", `echo '${line}'; exec sleep 600`], readyWhen: ["true"] };
        return await withProbePod(call, client, pod, async (name) => {
          await waitForPod(call, client, { namespace, name }, ({ ready }) => ready);
          const lines = await readLog(call, client, { namespace, name });
          if (!lines.includes(line))
            throw new Error(`the line it wrote came back as: ${lines.join("\n").slice(0, 200)}`);
          return "a line came back as it was written";
        });
      },
    },
    {
      name: "port below 1024 without root",
      prove: async (call) => {
        const command = ["sh", "-c", "exec nc -l -p 80 -e cat"];
        const readyWhen = ["sh", "-c", "grep -q ':0050 .* 0A ' /proc/net/tcp /proc/net/tcp6"];
        return await withProbePod(call, client, { ...base, command, readyWhen, runAsUser: 1000 }, async (name) => {
          await waitForPod(call, client, { namespace, name }, ({ ready }) => ready);
          return "user 1000 listens on port 80";
        });
      },
    },
  ];
}

/** Where the node offers GPUs, a pod of the runtime class that they are used by. */
async function tryGpu(
  call: Call,
  client: KubernetesClient,
  object: JsonReader,
  options: VerifyOptions,
): Promise<Proof> {
  const offered = object.at("status").at("allocatable").at("nvidia.com/gpu").optionalString();
  if (offered === undefined || offered === "0") {
    return { name: "gpu", outcome: "skipped", detail: "the node offers none" };
  }
  const runtimeClass = await findRuntimeClass(call, client);
  const prove = async (inner: Call) => {
    const { node, namespace, image } = options;
    const pod = { node, namespace, image, command: ["sleep", "600"], readyWhen: ["test", "-e", "/dev/nvidiactl"] };
    const probe = runtimeClass === undefined ? pod : { ...pod, runtimeClass };
    return await withProbePod(inner, client, probe, async (name) => {
      await waitForPod(inner, client, { namespace, name }, ({ ready }) => ready);
      return "/dev/nvidiactl is in a pod";
    });
  };
  return await tryCheck(call, { name: "gpu", prove }, options);
}

async function findRuntimeClass(call: Call, client: KubernetesClient): Promise<string | undefined> {
  try {
    await client.get(call, "/apis/node.k8s.io/v1/runtimeclasses/nvidia");
    return "nvidia";
  } catch (error) {
    if (!isKind(error, "notFound", "permissionDenied")) throw error;
    return undefined;
  }
}
