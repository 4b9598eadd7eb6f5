import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { EngineError, errnoOf, isKind, kindOf, messageOf } from "#base/errors.ts";
import { parseDurationMs } from "#base/go-duration.ts";
import { shellWord } from "#base/shell-word.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import type { Call } from "#migrate/call.ts";
import { handOverScript, jobManifest } from "#migrate/cluster-run/hand-over.ts";
import { findNodesGoneBack } from "#migrate/cluster-run/nodes-gone-back.ts";
import { clusterRunRbac } from "#migrate/cluster-run/rbac.ts";
import { rulesOf, runCluster } from "#migrate/cluster-run/run-cluster.ts";
import { RunLease } from "#migrate/cluster-run/run-lease.ts";
import { RunRecord, type RunOrder } from "#migrate/cluster-run/run-record.ts";
import { newRun } from "#migrate/cluster-run/step-run.ts";
import { parseClusterPlan } from "#migrate/plan/cluster/cluster-plan.ts";
import { renderClusterPlan } from "#migrate/plan/cluster/render-cluster-plan.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { parseFlagTable, type Flags } from "../../flags.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print, warn, write } from "../../output.ts";
import { passedFlags } from "./cluster-node.ts";
import { openNews, type News, type NewsFormat } from "./cluster-news.ts";
import { openHandOver } from "./open-hand-over.ts";
import { onInterrupt } from "./read-clusters.ts";

export const migrateCluster: Command = {
  usage: "[OPTIONS] [PLAN]",
  summary: "Move many nodes through Kubernetes, batch by batch; called again, go on from wherever it stood",
  flags: `
    --context string              Context of the kubeconfig
    --dry-run                     Only print the order and the manifests
    --format string               text (default) or json, an event each line
    --image string                Image of the Jobs; it needs sh and nsenter (busybox)
    --interval string             Between two looks at the nodes (default 5s)
    --kubeconfig string           Kubeconfig file (KUBECONFIG, ~/.kube/config, in a pod its service account)
    --namespace string            Where Jobs, the record and its Lease are (default kube-system)
    --node-kubeconfig string      Kubeconfig on each node for its move (default: admin.conf or kubelet.conf there)
    --plan string                 As PLAN: a file of ferry migrate plan --all --out
    --print-rbac                  Print the least rights that it needs, and end
    --runner string               In place of Jobs: a shell command that runs its stdin as root on $FERRY_NODE
${passedFlags.slice(1)}`,
  args: { min: 0, max: 1 },
  example: `ferry migrate cluster --image busybox:1.36 order.json
ferry migrate cluster --image busybox:1.36          # go on, from any machine
ferry migrate cluster --runner 'ssh "$FERRY_NODE" sudo sh' order.json`,
  run: async (session, { flags, args: [file = flags.text("plan")] }) => {
    const namespace = flags.text("namespace") ?? "kube-system";
    if (flags.bool("print-rbac")) {
      write(1, clusterRunRbac(namespace));
      return 0;
    }
    const order = file === undefined ? undefined : await readOrder(file, flags);
    if (flags.bool("dry-run")) {
      if (order === undefined) throw new CliError("--dry-run shows a PLAN: name its file");
      return show(order, flags, namespace);
    }
    const format = chooseFormat(session.format(flags), ["text", "json"]);
    const intervalMs = flags.parsed("interval", parseInterval) ?? 5_000;
    using interrupt = onInterrupt();
    const choice = { kubeconfig: flags.text("kubeconfig"), context: flags.text("context"), env: process.env };
    using client = new KubernetesClient(await loadConnection(choice));
    try {
      return await drive(interrupt, client, { order, flags, namespace, format, intervalMs });
    } catch (error) {
      if (interrupt.signal.aborted) warn(`interrupted; nodes that move go on; to go on watching: ${againOf(flags)}`);
      if (!isKind(error, "conflict")) throw error;
      throw new CliError(messageOf(error), { exitCode: exitCodes.drivenElsewhere, cause: error });
    }
  },
};

/** @throws Error for none at all: the API server would be asked without a pause */
function parseInterval(text: string): number {
  const ms = parseDurationMs(text);
  if (ms < 1) throw new Error("too short");
  return ms;
}

type Drive = {
  readonly order: RunOrder | undefined;
  readonly flags: Flags;
  readonly namespace: string;
  readonly format: NewsFormat;
  readonly intervalMs: number;
};

/** Goes on with the run, or begins one, to its end. Answers the exit code. */
async function drive(call: Call, client: KubernetesClient, wish: Drive): Promise<number> {
  const { order, flags, namespace, format, intervalMs } = wish;
  const handOver = openHandOver(client, flags, namespace);
  const holder = `${hostname()} pid ${process.pid} ${randomBytes(3).toString("hex")}`;
  await using lease = await RunLease.acquire(call, client, { namespace, holder, seconds: 15 });
  const held = { signal: AbortSignal.any([call.signal, lease.lost]) };
  const record = await openRecord(held, client, namespace, order);
  using news = openNews(format, { order: record.order, state: record.state, again: againOf(flags) });
  const deps = { client, namespace, record, rules: rulesOf(record.order), intervalMs, handOver, tell: news.tell };
  try {
    const { phase } = await runCluster(held, deps, { retry: true });
    return phase === "done" && !(await tellGoneBack(held, client, record, news)) ? 0 : exitCodes.alarm;
  } catch (error) {
    throw lease.lost.aborted ? lease.lost.reason : error;
  }
}

/** Whether nodes of the run have gone back since they passed; they need a plan of their own. */
async function tellGoneBack(call: Call, client: KubernetesClient, record: RunRecord, news: News): Promise<boolean> {
  const { plan } = record.order;
  const nodes = await findNodesGoneBack(call, client, record.state, rulesOf(record.order).runtimePrefix);
  for (const one of nodes) news.tell({ t: "gone-back", ...one });
  if (nodes.length === 0) return false;
  const names = nodes.map(({ node }) => node).join(",");
  warn(`  to move again: ferry migrate plan --nodes ${names} --target ${plan.target} --out order.json`);
  return true;
}

/** The command that goes on with the run, as it was called here. */
function againOf(flags: Flags): string {
  const words = ["kubeconfig", "context", "namespace", "image", "runner"].flatMap((name) => {
    const text = flags.text(name);
    return text === undefined ? [] : [`--${name} ${shellWord(text)}`];
  });
  return ["ferry migrate cluster", ...words].join(" ");
}

/** The run that is there, or a new one by `order`. @throws conflict while a run by another plan is under way */
async function openRecord(
  call: Call,
  client: KubernetesClient,
  namespace: string,
  order: RunOrder | undefined,
): Promise<RunRecord> {
  const old = await RunRecord.find(call, client, namespace);
  if (order === undefined) {
    if (old !== undefined) return old;
    throw new CliError("no run is under way in this cluster", { next: "ferry migrate plan --all --out order.json" });
  }
  if (old !== undefined && digestOf(old.order) === digestOf(order)) return old;
  if (old !== undefined && (old.state.phase === "running" || old.state.phase === "cleaning")) {
    const giveUp = `kubectl -n ${shellWord(namespace)} delete configmap ferry-migrate`;
    throw new CliError("a run by another plan or with other flags is under way", {
      next: `go on with it: no PLAN; or give it up, nodes that move go on: ${giveUp}`,
    });
  }
  const state = newRun(randomBytes(4).toString("hex"), order.plan.batches);
  return await RunRecord.begin(call, client, { namespace, order, state, old });
}

function digestOf({ plan, words }: RunOrder): string {
  return createHash("sha256")
    .update(JSON.stringify([plan, words]))
    .digest("hex");
}

async function readOrder(path: string, flags: Flags): Promise<RunOrder> {
  try {
    const plan = parseClusterPlan(await readFile(path, "utf8"));
    if (plan.batches.length === 0) throw new EngineError("invalidArgument", "the plan moves no node");
    return { plan, words: ["--target", plan.target, ...wordsFor(flags)] };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new EngineError("notFound", `plan ${path}: no such file`);
    throw new EngineError(kindOf(error), `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Flags for each node, as they were given here. */
function wordsFor(flags: Flags): string[] {
  const given = parseFlagTable(passedFlags).filter(({ name }) => flags.has(name));
  const kubeconfig = flags.text("node-kubeconfig");
  return [
    ...given.map(({ name }) => `--${name}=${flags.text(name) ?? ""}`),
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
  ];
}

function show(order: RunOrder, flags: Flags, namespace: string): number {
  for (const line of renderClusterPlan(order.plan)) print(line);
  const image = flags.text("image") ?? "IMAGE";
  for (const node of order.plan.batches.flatMap(({ nodes }) => nodes)) {
    const turn = { run: "RUN", node, attempt: 1, words: order.words };
    print(`\n# ${node}`);
    print(
      flags.has("runner")
        ? handOverScript(turn)
        : JSON.stringify(jobManifest(turn, { image, namespace }), undefined, 2),
    );
  }
  return 0;
}
