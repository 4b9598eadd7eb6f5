import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { isKind, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { PodFailure, readPod, type Login, type PodRuntime, type PodSpec, type RuntimePod } from "./pod-spec.ts";

type SyncOptions = {
  readonly client: KubernetesClient;
  readonly runtime: PodRuntime;
  readonly nodeName: string;
  readonly version: string;
  readonly staticPodPath: string;
};

const mirrorAnnotation = "kubernetes.io/config.mirror";

/** What a kubelet does again and again: pods that should run do, others do not, and the API is told. */
export class PodSync {
  readonly #options: SyncOptions;
  #known: PodSpec[] = [];

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { runtime } = this.#options;
    const wanted = [...(await this.#staticPods()), ...(await this.#apiPods())];
    this.#known = wanted;
    const running = await runtime.list();
    const stuck = new Set<string>();
    for (const pod of running) {
      const spec = wanted.find(({ uid }) => uid === pod.uid);
      const stays = pod.isRunning || (pod.hasEnded && spec?.isRestarted === false);
      if (spec === undefined || spec.isDeleted || !stays) await this.#stop(pod, stuck);
    }
    await this.#reportNode();
    for (const pod of wanted.filter(({ uid }) => !stuck.has(uid))) {
      const own = running.find(({ uid, isRunning, hasEnded }) => uid === pod.uid && (isRunning || hasEnded));
      // One pod that cannot be brought up keeps no other from it.
      await this.#bring(pod, own).catch(async (error: unknown) => await this.#reportFailure(pod, error));
    }
  }

  /** The runtime's pod. @throws Error when it has none of that name */
  async find(namespace: string, name: string): Promise<RuntimePod> {
    const pod = this.#known.find((known) => known.namespace === namespace && known.name === name);
    const running = (await this.#options.runtime.list()).find(({ uid }) => uid === pod?.uid);
    if (running === undefined) throw new Error(`pod ${namespace}/${name} is not here`);
    return running;
  }

  /** One that does not go keeps no other from it, nor from coming up. */
  async #stop(pod: RuntimePod, stuck: Set<string>): Promise<void> {
    await this.#options.runtime.stop(pod).catch((error: unknown) => {
      console.error(`${pod.sandboxId}: ${messageOf(error)}`);
      stuck.add(pod.uid);
    });
  }

  async #bring(pod: PodSpec, running: RuntimePod | undefined): Promise<void> {
    const { client, runtime } = this.#options;
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
    if (pod.isDeleted) {
      await client.delete(call, path, { gracePeriodSeconds: 0 });
      return;
    }
    if (pod.isFinished) return;
    if (running?.hasEnded === true && !pod.isRestarted) {
      await this.#reportEnd(path, await runtime.exitCode(running));
      return;
    }
    if (running === undefined || running.hasEnded) {
      await this.#start(pod);
      running = undefined;
    }
    if (pod.isStatic) await this.#mirror(pod);
    const probe = running === undefined ? undefined : pod.readinessExec;
    const ready = running !== undefined && (probe === undefined || (await runtime.exec(running, probe)) === 0);
    const containerStatuses = [{ name: pod.container, ready, imageID: pod.image, state: { running: {} } }];
    const name = pod.isStatic ? `${path}-${this.#options.nodeName}` : path;
    await client.patch(call, `${name}/status`, "merge", {
      status: {
        phase: "Running",
        containerStatuses,
        conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      },
    });
  }

  async #start(pod: PodSpec): Promise<void> {
    const { client, runtime } = this.#options;
    const path = `/apis/node.k8s.io/v1/runtimeclasses/${pod.runtimeClass ?? ""}`;
    const object = pod.runtimeClass === undefined ? undefined : await client.get(call, path);
    const handler = object === undefined ? "" : String(object["handler"]);
    await runtime.start(pod, { handler, login: await this.#login(pod) });
  }

  /** Of the Secrets that a pod names, for its image's registry. */
  async #login({ namespace, image, pullSecrets }: PodSpec): Promise<Login | undefined> {
    const { client } = this.#options;
    for (const name of pullSecrets) {
      const secret = new JsonReader(await client.get(call, `/api/v1/namespaces/${namespace}/secrets/${name}`), name);
      const bytes = Buffer.from(secret.at("data").at(".dockerconfigjson").string(), "base64");
      const auth = JsonReader.parse(bytes, name, 1 << 20)
        .at("auths")
        .at(image.split("/")[0] ?? "")
        .at("auth");
      const [username = "", password = ""] = Buffer.from(auth.optionalString() ?? "", "base64")
        .toString()
        .split(":");
      if (username !== "") return { username, password };
    }
    return undefined;
  }

  async #reportEnd(path: string, exitCode: number): Promise<void> {
    const phase = exitCode === 0 ? "Succeeded" : "Failed";
    const conditions = [{ type: "Ready", status: "False" }];
    await this.#options.client.patch(call, `${path}/status`, "merge", { status: { phase, conditions } });
  }

  async #reportFailure(pod: PodSpec, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`${pod.name}: ${message}`);
    const reason = error instanceof PodFailure ? error.reason : "ContainerCreating";
    const containerStatuses = [{ name: pod.container, ready: false, state: { waiting: { reason, message } } }];
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/status`;
    const patch = {
      status: { phase: "Pending", containerStatuses, conditions: [{ type: "Ready", status: "False" }] },
    };
    await this.#options.client.patch(call, path, "merge", patch).catch(() => {});
  }

  /** The API's picture of a static pod. */
  async #mirror({ namespace, name, container, image }: PodSpec): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `${name}-${this.#options.nodeName}`, namespace, annotations: { [mirrorAnnotation]: "1" } },
      spec: { nodeName: this.#options.nodeName, containers: [{ name: container, image }] },
    };
    await this.#options.client.create(call, path, object).catch((error: unknown) => {
      if (!isKind(error, "conflict")) throw error;
    });
  }

  async #staticPods(): Promise<PodSpec[]> {
    const { staticPodPath } = this.#options;
    const names = await readdir(staticPodPath).catch(() => []);
    const texts = names.map(async (name) => await readFile(join(staticPodPath, name), "utf8"));
    return (await Promise.all(texts)).map((text) => readPod(parse(text) as unknown, true));
  }

  async #apiPods(): Promise<PodSpec[]> {
    const { client, nodeName } = this.#options;
    const pods: PodSpec[] = [];
    for await (const page of client.list(call, "/api/v1/pods", { fieldSelector: `spec.nodeName=${nodeName}` })) {
      const own = page.items.filter((item) => !JSON.stringify(item["metadata"]).includes(mirrorAnnotation));
      pods.push(...own.map((item) => readPod(item)));
    }
    return pods;
  }

  async #reportNode(): Promise<void> {
    const { client, nodeName, runtime, version } = this.#options;
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const ready = {
      type: "Ready",
      status: "True",
      lastHeartbeatTime: now,
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
    };
    const status = {
      nodeInfo: { kubeletVersion: `v${version}`, containerRuntimeVersion: await runtime.version() },
      conditions: [ready],
    };
    const path = `/api/v1/nodes/${nodeName}`;
    if ((await client.find(call, path)) === undefined) {
      await client.create(call, "/api/v1/nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: nodeName },
        spec: {},
      });
    }
    await client.patch(call, `${path}/status`, "merge", { status });
  }
}

const call = { signal: new AbortController().signal };
