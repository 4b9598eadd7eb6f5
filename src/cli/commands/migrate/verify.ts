import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "#base/atomic-file.ts";
import { parseDurationMs } from "#base/go-duration.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { readNode } from "#migrate/host/read-node.ts";
import { fallbackSmokeImage } from "#migrate/plan/smoke-image.ts";
import { sandboxImageOf } from "#migrate/plan/sandbox-image.ts";
import { compareVerifications, parseVerification, type Verification } from "#migrate/verify/verification.ts";
import { verifyRbac } from "#migrate/verify/rbac.ts";
import { verifyNode } from "#migrate/verify/verify-node.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { printList } from "../../format/print-list.ts";
import { print, warn, write } from "../../output.ts";
import { openCall } from "./node-run.ts";

export const migrateVerify: Command = {
  usage: "[OPTIONS] NODE",
  summary: "Let a node show that pods have what they need: pulls, exec, port-forward, logs, ports, GPUs",
  flags: `
    --before string       Compare with this file, of an earlier --out; exit with 2 when something was lost
    --format string       table (default) or json
    --image string        An image with a shell and nc for the pods that show it (default docker.io/library/busybox:1.36)
    --kubeconfig string   Kubeconfig file (KUBECONFIG, ~/.kube/config, in a pod its service account)
    --namespace string    Where the pods are made (default kube-system)
    --out string          Keep the result in this file
    --print-rbac          Print the least rights that it needs, and end
    --sandbox-image string   The runtime's, pulled without credentials (default: the kubelet's here, or one of the node's images)
    --timeout string      For each proof (default 2m)
`,
  args: { min: 0, max: 1 },
  example: "ferry migrate verify worker-1 --out before.json\nferry migrate verify worker-1 --before before.json",
  run: async (session, { flags, args: [node] }) => {
    const namespace = flags.text("namespace") ?? "kube-system";
    if (flags.bool("print-rbac")) {
      write(1, verifyRbac(namespace));
      return 0;
    }
    if (node === undefined) throw new CliError("a node is needed", { next: "kubectl get nodes" });
    using call = openCall();
    const before = flags.text("before");
    const earlier = before === undefined ? undefined : parseVerification(await readFile(before, "utf8"));
    using client = new KubernetesClient(
      await loadConnection({ kubeconfig: flags.text("kubeconfig"), env: process.env }),
    );
    const result = await verifyNode(call, client, {
      node,
      image: flags.text("image") ?? fallbackSmokeImage,
      sandboxImage: flags.text("sandbox-image") ?? (await findOwnSandboxImage(node)),
      namespace,
      timeoutMs: flags.parsed("timeout", parseDurationMs) ?? 120_000,
      onProof: ({ name, outcome }) => warn(`${outcome}  ${name}`),
    });
    const out = flags.text("out");
    if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(result, undefined, 2)}\n`, { mode: 0o644 });
    return await show(result, earlier, session.format(flags));
  },
};

/** What the kubelet of this machine was told, if it is that node. */
async function findOwnSandboxImage(node: string): Promise<string | undefined> {
  const facts = await readNode(await HostRoot.open("/"), undefined);
  return facts.node === node && facts.kubelet.unit !== undefined ? sandboxImageOf(facts.kubelet) : undefined;
}

async function show(
  after: Verification,
  before: Verification | undefined,
  format: string | undefined,
): Promise<number> {
  const rows = before === undefined ? undefined : compareVerifications(before, after);
  if (format === "json")
    print(JSON.stringify({ ...after, ...(rows === undefined ? {} : { compared: rows }) }, undefined, 2));
  else if (rows === undefined) await printProofs(after, format);
  else await printCompared(rows, format);
  for (const { name, detail, next } of after.proofs) {
    if (next !== undefined && format !== "json") warn(`${name}: ${detail}\n  next: ${next}`);
  }
  if (rows?.some(({ isLost }) => isLost) === true) return exitCodes.alarm;
  return after.proofs.some(({ outcome }) => outcome === "failed") ? 1 : 0;
}

async function printProofs({ proofs }: Verification, format: string | undefined): Promise<void> {
  const rows = proofs.map(({ name, outcome, detail }) => ({ Proof: name, Outcome: outcome, Detail: detail }));
  const headers = { Proof: "PROOF", Outcome: "OUTCOME", Detail: "DETAIL" };
  await printList(rows, { headers, fields: ["Proof", "Outcome", "Detail"] }, format);
}

async function printCompared(compared: ReturnType<typeof compareVerifications>, format: string | undefined) {
  const rows = compared.map(({ name, before, after, detail, isLost }) => ({
    Proof: name,
    Before: before,
    After: isLost ? `${after}: lost` : after,
    Detail: detail,
  }));
  const headers = { Proof: "PROOF", Before: "BEFORE", After: "AFTER", Detail: "DETAIL" };
  await printList(rows, { headers, fields: ["Proof", "Before", "After", "Detail"] }, format);
}
