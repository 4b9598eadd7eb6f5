import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { NodeReporter } from "#migrate/cluster-run/node-reporter.ts";
import { command } from "../processes.ts";
import type { TestApiServer } from "./api-server.ts";
import { asObject } from "./delete-object.ts";
import type { Change } from "./object-store.ts";

const tools = {
  systemctl: `[ "$1" != is-active ] || [ -e "$STATE/active" ]`,
  "systemd-run": `shift 2; [ ! -e "$STATE/active" ] || exit 1; : >"$STATE/active"; printf '%s\\n' "$@" >>"$STATE/unit"; echo >>"$STATE/unit"`,
};

/**
 * Nodes that stand in for real ones behind the API: each runs the script of a Job that is given to it, as root on a host
 * would, with tools of its own; what that starts as a unit reports as a real move does, while the node goes and comes back.
 */
export class MovingNodes implements AsyncDisposable {
  readonly #api: TestApiServer;
  readonly #directory: string;
  readonly #client: KubernetesClient;
  readonly #work = new Set<Promise<void>>();
  /** Nodes whose next move fails, at `05-drain`. */
  readonly failing = new Set<string>();
  /** Units that were started: `node attempt`. */
  readonly started: string[] = [];
  /** No move goes on before this resolves. */
  hold: Promise<void> = Promise.resolve();
  readonly #away = new Set<string>();
  readonly #awayWith = new Map<string, Set<string>>();

  constructor(api: TestApiServer, directory: string, client: KubernetesClient) {
    this.#api = api;
    this.#directory = directory;
    this.#client = client;
    api.store.listeners.add((change) => this.#hear(change));
  }

  /** A node on Docker with one pod of a DaemonSet. */
  async add(name: string): Promise<void> {
    const bin = join(this.#directory, name, "bin");
    await mkdir(bin, { recursive: true });
    for (const [tool, script] of Object.entries(tools)) {
      await writeFile(join(bin, tool), `#!/bin/sh\nSTATE=${join(this.#directory, name)}\n${script}\n`);
      await chmod(join(bin, tool), 0o755);
    }
    this.#putNode(name, "docker://20.10.24", true);
    this.#putPod(name, true);
  }

  /** As if somebody had rolled it back by hand. */
  rollBack(name: string): void {
    this.#putNode(name, "docker://20.10.24", true);
  }

  /** What the unit's command was, the last time. */
  async unitOf(name: string): Promise<string[]> {
    return (await readFile(join(this.#directory, name, "unit"), "utf8")).trim().split("\n\n").at(-1)?.split("\n") ?? [];
  }

  /** Nodes that were away while `name` was. */
  awayWith(name: string): string[] {
    return [...(this.#awayWith.get(name) ?? [])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #hear({ type, resource, object }: Change): void {
    if (type !== "ADDED" || resource !== "jobs") return;
    const pod = asObject(asObject(asObject(object["spec"])["template"])["spec"]);
    const containers = pod["containers"];
    const script: unknown = Array.isArray(containers) ? asObject(containers[0])["command"] : undefined;
    const node = String(pod["nodeName"]);
    const text = Array.isArray(script) ? String(script.at(-1)) : "exit 1";
    this.#keep(this.#runJob(node, text));
  }

  /** Disposing waits for it. */
  #keep(started: Promise<void>): void {
    const work = started.finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async #runJob(node: string, script: string): Promise<void> {
    const home = join(this.#directory, node);
    const before = (await readFile(join(home, "unit"), "utf8").catch(() => "")).length;
    await command(["sh", "-ec", `PATH=${join(home, "bin")}:$PATH\n${script}`]);
    const after = await readFile(join(home, "unit"), "utf8");
    if (after.length > before) await this.#runUnit(node, await this.unitOf(node));
  }

  async #runUnit(node: string, words: readonly string[]): Promise<void> {
    const flag = (name: string) => words[words.indexOf(name) + 1] ?? "";
    const who = { run: flag("--run"), attempt: Number(flag("--attempt")) };
    this.started.push(`${node} ${who.attempt}`);
    await using reporter = new NodeReporter(async () => await Promise.resolve(this.#client), node, who);
    reporter.report("moving");
    await sleep(60);
    reporter.report("moving", { step: "05-drain" });
    await this.hold;
    await sleep(60);
    if (this.failing.delete(node)) reporter.report("failed", { step: "05-drain", message: "budget web allows none" });
    else {
      await this.#move(node);
      reporter.report("moved");
    }
    await command(["rm", join(this.#directory, node, "active")]);
  }

  async #move(node: string): Promise<void> {
    for (const other of this.#away) {
      for (const [one, two] of [
        [node, other],
        [other, node],
      ] as const)
        this.#awayWith.set(one, new Set([...(this.#awayWith.get(one) ?? []), two]));
    }
    this.#away.add(node);
    this.#putNode(node, "docker://20.10.24", false);
    this.#putPod(node, false);
    await sleep(100);
    this.#putNode(node, "containerd://1.7.28", true);
    this.#away.delete(node);
    this.#keep(sleep(80).then(() => this.#putPod(node, true)));
  }

  #putNode(name: string, containerRuntimeVersion: string, isReady: boolean): void {
    const old = this.#api.store.find({ apiVersion: "v1", resource: "nodes", name });
    this.#api.store.put("nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { ...old?.metadata, name },
      status: {
        nodeInfo: { containerRuntimeVersion, kubeletVersion: "v1.23.17", operatingSystem: "linux" },
        conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      },
    });
  }

  #putPod(node: string, isReady: boolean): void {
    this.#api.store.put("pods", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        namespace: "kube-system",
        name: `net-${node}`,
        ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "net", uid: "1" }],
      },
      spec: { nodeName: node },
      status: { conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
    });
  }
}
