import { createHash } from "node:crypto";
import { shellWord } from "#base/shell-word.ts";
import type { KubernetesObject } from "#clients/kubernetes/kubernetes-object.ts";

/** The host's unit in which a node's move runs; one at a time. */
const hostUnit = "ferry-migrate-cluster";

/** One node's turn. */
export type HandOver = {
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  /** More words of `ferry migrate cluster-node`: `--target`, `containerd`. */
  readonly words: readonly string[];
};

/**
 * What root runs on the host: gives the move to a transient unit, which outlives kubelet, Docker and whoever called. Does
 * nothing where that unit runs already. `--collect` came with systemd 236, so a failed unit of before is reset instead.
 */
export function handOverScript({ run, node, attempt, words }: HandOver): string {
  const command = [
    "ferry",
    "migrate",
    "cluster-node",
    "--run",
    run,
    "--attempt",
    String(attempt),
    "--node",
    node,
    ...words,
  ];
  return [
    "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `if systemctl is-active --quiet ${hostUnit}.service; then exit 0; fi`,
    `systemctl reset-failed ${hostUnit}.service 2>/dev/null || true`,
    `exec systemd-run --unit ${hostUnit} ${command.map(shellWord).join(" ")}`,
    "",
  ].join("\n");
}

/** Of the Job, unique for its run, node and attempt; names of nodes may be longer than names of Jobs. */
export function jobName({ run, node, attempt }: Pick<HandOver, "run" | "node" | "attempt">): string {
  const digest = createHash("sha256").update(`${run}/${node}/${attempt}`).digest("hex").slice(0, 8);
  return `ferry-migrate-${node.replaceAll(".", "-").slice(0, 38)}-${digest}`;
}

/** Selects every Job of a run. */
export function jobSelector(run: string): string {
  return `ferry.dev/run=${run}`;
}

/**
 * A Job whose one pod goes to the node past the scheduler, tolerates every taint, enters the host and hands over. Its image
 * needs `nsenter` alone, busybox's will do; everything else it runs is the host's.
 */
export function jobManifest(handOver: HandOver, place: { image: string; namespace: string }): KubernetesObject {
  const labels = { "app.kubernetes.io/name": "ferry-migrate", "ferry.dev/run": handOver.run };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName(handOver), namespace: place.namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: 600,
      ttlSecondsAfterFinished: 86_400,
      template: {
        metadata: { labels },
        spec: {
          nodeName: handOver.node,
          hostPID: true,
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          tolerations: [{ operator: "Exists" }],
          containers: [
            {
              name: "hand-over",
              image: place.image,
              imagePullPolicy: "IfNotPresent",
              command: ["nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "sh", "-ec", handOverScript(handOver)],
              securityContext: { privileged: true, runAsUser: 0 },
              // What the script said last is what the pod, and so whoever drives the run, can tell of a failure.
              terminationMessagePolicy: "FallbackToLogsOnError",
            },
          ],
        },
      },
    },
  };
}
