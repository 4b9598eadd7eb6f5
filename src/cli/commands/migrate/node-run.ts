import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { EngineError } from "#base/errors.ts";
import { parseDurationMs } from "#base/go-duration.ts";
import { defaultApiTimeoutMs } from "#migrate/apply/cluster-node.ts";
import { Commands } from "#migrate/apply/commands.ts";
import type { JournalRecord } from "#migrate/apply/journal-record.ts";
import { openMigration, type OpenRun } from "#migrate/apply/migration-run.ts";
import type { Machine } from "#migrate/apply/step-run.ts";
import { Units } from "#migrate/apply/units.ts";
import { HostFiles } from "#migrate/host/host-files.ts";
import { parsePlan } from "#migrate/plan/parse-plan.ts";
import { clientVersion } from "../../client-version.ts";
import type { Flags } from "../../flags.ts";
import { warn } from "../../output.ts";

/** Where a node's migration keeps its journal, unless told otherwise. */
export const defaultState = "/var/lib/ferry-migrate";

/** Flags of every command that works on a node's migration. */
export const nodeFlags = `
    --api-timeout string  How long the API server may be away in the middle of a step (default 3m)
    --kubeconfig string   Kubeconfig file (KUBECONFIG, ~/.kube/config, then the node's admin.conf or kubelet.conf)
    --state string        Directory of the journal and of what is kept for the way back (default ${defaultState})
`;

/** Kubeconfigs of a node itself, the mightier first. */
const nodeKubeconfigs = ["/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf"];

/** Opens the node's migration, begun with `planText` where none is under way. @throws as openMigration */
export async function openNodeRun(
  flags: Flags,
  planText?: string,
  onRecord?: (record: JournalRecord) => void,
): Promise<OpenRun> {
  await using undo = new AsyncDisposableStack();
  const machine = undo.use(openMachine(flags));
  const run = undo.use(
    await openMigration(
      {
        directory: flags.text("state") ?? defaultState,
        machine,
        version: clientVersion(),
        parsePlan,
        tell: warn,
        ...(onRecord === undefined ? {} : { onRecord }),
      },
      planText,
    ),
  );
  const owned = undo.move();
  return { ...run, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Aborts at SIGINT and SIGTERM: what is done stays, and the next call goes on. */
export function openCall(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const abort = () => {
    warn("stopping; the same command goes on from here");
    controller.abort(new EngineError("canceled", "stopped"));
  };
  process.once("SIGINT", abort).once("SIGTERM", abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => void process.off("SIGINT", abort).off("SIGTERM", abort),
  };
}

/** The node that this runs on. */
export function openMachine(flags: Flags): Machine & Disposable {
  const files = new HostFiles();
  const path = [process.env["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"].join(":");
  const commands = new Commands({ ...process.env, PATH: path });
  let client: Promise<KubernetesClient> | undefined;
  return {
    files,
    commands,
    units: new Units(commands),
    kubernetes: async () => await (client ??= connect(files, flags)),
    apiTimeoutMs: flags.parsed("api-timeout", parseDurationMs) ?? defaultApiTimeoutMs,
    [Symbol.dispose]: () => void client?.then((open) => open[Symbol.dispose]()).catch(() => {}),
  };
}

async function connect(files: HostFiles, flags: Flags): Promise<KubernetesClient> {
  const kubeconfig = flags.text("kubeconfig");
  try {
    return new KubernetesClient(await loadConnection({ kubeconfig, env: process.env }));
  } catch (error) {
    if (kubeconfig !== undefined) throw error;
    for (const own of nodeKubeconfigs) {
      if (!(await files.exists(own))) continue;
      return new KubernetesClient(await loadConnection({ kubeconfig: own, env: process.env }));
    }
    throw error;
  }
}
