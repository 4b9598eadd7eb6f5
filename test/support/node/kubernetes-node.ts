import { mkdir, readdir, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { clearCgroups } from "../../crash/clear-machine.ts";
import { makeCa } from "../certificates.ts";
import type { ApiPath } from "../kubernetes/api-path.ts";
import { TestApiServer } from "../kubernetes/api-server.ts";
import type { StoredObject } from "../kubernetes/selectors.ts";
import { proxyUpgrade } from "../kubernetes/upgrades.ts";
import { serveWrites } from "../kubernetes/writes.ts";
import { openTestImages, type TestImages } from "../test-images.ts";
import { treeListing } from "../tree-listing.ts";
import { kubeletPort } from "./kubelet/serve-pods.ts";
import { installNode, writeKubeconfig } from "./install-node.ts";
import type { NodeLayout } from "./layouts.ts";
import { TestNode } from "./test-node.ts";
import { testPod } from "./test-pod.ts";

const nodeName = "worker-1";
const ferry = new URL("../../../bin/ferry", import.meta.url).pathname;

/**
 * A Kubernetes node that runs Docker, its API server and a registry. It has pods of three kinds: one that goes when the
 * node is drained, a DaemonSet's and a static one.
 */
export class KubernetesNode implements AsyncDisposable {
  readonly machine: TestNode;
  readonly api: TestApiServer;
  readonly images: TestImages;
  readonly #undo: AsyncDisposableStack;

  private constructor(
    parts: { machine: TestNode; api: TestApiServer; images: TestImages },
    undo: AsyncDisposableStack,
  ) {
    this.machine = parts.machine;
    this.api = parts.api;
    this.images = parts.images;
    this.#undo = undo;
  }

  /**
   * Boots it; all its pods run on Docker when this resolves. `criDockerd` is the path of a real one; the stand-in takes
   * its place where there is none.
   */
  static async open(layout: NodeLayout, criDockerd?: string): Promise<KubernetesNode> {
    await using undo = new AsyncDisposableStack();
    const machine = undo.use(await TestNode.create(nodeName));
    await machine.boot();
    const images = undo.use(await openTestImages(machine.gateway));
    const ca = await makeCa(machine.directory);
    const { cert, key } = await ca.issue("apiserver");
    const tls = { cert, key, ca: ca.ca.cert };
    const { version } = layout;
    const api = undo.use(
      await TestApiServer.start({ host: machine.gateway, token: "kubelet-and-admin", tls, version }),
    );
    serveWrites(api);
    servePods(api, machine);
    const node = new KubernetesNode({ machine, api, images }, undo.move());
    try {
      await installNode({ machine, api, images, layout, criDockerd });
      node.#putNode(layout);
      node.putPods();
      await node.#start(layout);
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  get name(): string {
    return nodeName;
  }

  /** As the API has it. */
  get object(): StoredObject | undefined {
    return this.api.store.find({ apiVersion: "v1", resource: "nodes", name: nodeName });
  }

  get runtimeVersion(): string {
    const status = this.object?.["status"] as { nodeInfo?: { containerRuntimeVersion?: string } } | undefined;
    return status?.nodeInfo?.containerRuntimeVersion ?? "";
  }

  /** Pods that are ready, by name. */
  get readyPods(): string[] {
    type Status = { containerStatuses?: { ready: boolean }[] } | undefined;
    const pods = this.api.store.all({ apiVersion: "v1", resource: "pods" });
    return pods
      .filter((pod) => (pod["status"] as Status)?.containerStatuses?.[0]?.ready === true)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  /** Ends every process at once and boots again: what lay below /run has gone, what is enabled starts. */
  async reboot(): Promise<void> {
    const { machine } = this;
    await machine.powerOff();
    await clearCgroups(machine.cgroupParent);
    for (const name of await readdir(machine.at("run")))
      await rm(machine.at(`run/${name}`), { recursive: true, force: true });
    await mkdir(machine.at("run/lock"));
    await machine.boot();
  }

  /** Pods that its controllers want here, those that were evicted among them, and a budget that lets them go. */
  putPods(): void {
    const { store } = this.api;
    for (const [name, owner] of [
      ["web-1", "ReplicaSet"],
      ["net-1", "DaemonSet"],
    ] as const) {
      const place = { apiVersion: "v1", resource: "pods", namespace: "default", name };
      if (store.find(place) === undefined)
        store.put("pods", testPod({ name, owner, nodeName, image: this.images.small }));
    }
    this.putBudget(1);
  }

  /** How many disruptions `web-1`'s budget allows. */
  putBudget(disruptionsAllowed: number): void {
    this.api.store.put("poddisruptionbudgets", {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web", namespace: "default" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "web-1" } } },
      status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1 - disruptionsAllowed },
    });
  }

  /** What a migration changes of the Node object. */
  get marks(): unknown {
    const spec = this.object?.["spec"] as { unschedulable?: boolean } | undefined;
    return { annotations: this.object?.metadata["annotations"], unschedulable: spec?.unschedulable };
  }

  /** Files of the node that a migration may touch, with all that is to be put back of them. */
  async listing(): Promise<string[]> {
    const lines: string[] = [];
    for (const directory of ["etc", "var/lib/kubelet"]) {
      const listed = await treeListing(this.machine.at(directory));
      lines.push(...listed.map((line) => `${directory} ${line.replace(/(\|d\|.*)\|[\d.]+$/, "$1")}`));
    }
    return lines;
  }

  /** Units as the init has them: running, and at boot. */
  async units(): Promise<string[]> {
    const units = [
      "docker.socket",
      "docker.service",
      "containerd.service",
      "kubelet.service",
      "ferryd.service",
      "cri-docker.service",
    ];
    const script = 'for unit; do echo "$unit $(systemctl is-active $unit) $(systemctl is-enabled $unit 2>&1)"; done';
    return (await this.machine.run("sh", "-c", script, "sh", ...units)).trim().split("\n");
  }

  /** Writes a kubeconfig on the node, with a token of the API server's accounts or that of whoever may all. */
  async writeKubeconfig(path: string, token?: string): Promise<void> {
    await writeKubeconfig(this, path, token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }

  #putNode({ annotations, version }: NodeLayout): void {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, annotations }, spec: {} };
    const status = { nodeInfo: { kubeletVersion: `v${version}` }, allocatable: { "nvidia.com/gpu": "1" } };
    this.api.store.put("nodes", { ...node, status });
    const runtimeClass = { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name: "nvidia" } };
    this.api.store.put("runtimeclasses", { ...runtimeClass, handler: "nvidia" });
  }

  async #start({ criDockerd, runtime }: NodeLayout): Promise<void> {
    const docker = ["containerd.service", "docker.socket", "docker.service"];
    const units = [
      ...(runtime === "ferry" ? ["ferryd.service"] : docker),
      ...(criDockerd ? ["cri-docker.socket", "cri-docker.service"] : []),
      "kubelet.service",
    ];
    if (runtime === "ferry") await this.machine.run(ferry, "migrate", "convert", "--target", "ferry", "--out", "/");
    await this.machine.run("systemctl", "daemon-reload");
    await this.machine.run("systemctl", "enable", "--now", ...units);
    await this.settled(runtime === "ferry" ? "ferry://" : "docker://");
  }

  /** Addresses that the pods' network has given away. */
  async addresses(): Promise<string[]> {
    const names = await readdir(this.machine.at("var/lib/cni/networks/cni0")).catch(() => []);
    return names.filter((name) => /^[\d.]+$/.test(name));
  }

  /** Waits until all pods but the evicted are ready on a runtime, and nobody else has an address. */
  async settled(prefix: string, pods = ["net-1", "static-worker-1", "web-1"]): Promise<void> {
    const networked = pods.filter((name) => !name.startsWith("static"));
    for (let tries = 0; tries < 2400; tries++) {
      const areReady = this.runtimeVersion.startsWith(prefix) && this.readyPods.join() === pods.join();
      if (areReady && (await this.addresses()).length === networked.length) return;
      await sleep(100);
    }
    const units = ["kubelet", "cri-docker", "containerd", "ferryd"];
    const log = units.map(async (unit) => await this.machine.run("journalctl", "-u", `${unit}.service`, "-n", "8"));
    const addresses = await this.addresses();
    const state = `${nodeName}: ${this.runtimeVersion}, ready: ${this.readyPods.join()}, addresses: ${addresses.join()}`;
    throw new Error(`${state}\n${(await Promise.all(log)).join("\n")}`);
  }
}

/** The API server's own part of `kubectl logs`, `exec` and `port-forward`: it asks the kubelet. */
function servePods(api: TestApiServer, { address }: TestNode): void {
  const kubelet = `http://${address}:${kubeletPort}`;
  const container = ({ namespace = "", name = "" }: ApiPath) => `${namespace}/${name}/main`;
  api.handlers.push(async ({ target }, response) => {
    if (target?.subresource !== "log") return false;
    const url = `${kubelet}/containerLogs/${container(target)}`;
    const answer = await fetch(url).catch(() => undefined);
    response.writeHead(answer?.ok === true ? 200 : 500, { "content-type": "text/plain" });
    response.end(answer === undefined ? "the kubelet does not answer" : await answer.text());
    return true;
  });
  api.upgrades.push(({ target, query, message }, socket) => {
    const { subresource = "", namespace = "", name = "" } = target ?? {};
    const paths: Readonly<Record<string, string>> = {
      exec: `/exec/${namespace}/${name}/main?${query.toString()}`,
      portforward: `/portForward/${namespace}/${name}?port=${query.get("ports") ?? ""}`,
    };
    const path = paths[subresource];
    if (path === undefined) return false;
    proxyUpgrade(message, socket, new URL(path, kubelet));
    return true;
  });
}
