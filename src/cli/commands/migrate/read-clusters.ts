import { isKind, messageOf } from "#base/errors.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import type { ClusterFacts } from "#migrate/cluster/cluster-facts.ts";
import { readApi } from "#migrate/cluster/read-api.ts";
import { buffer } from "node:stream/consumers";
import { readManifests, readManifestText } from "#migrate/cluster/read-manifests.ts";
import { CliError } from "../../cli-error.ts";
import type { Flags } from "../../flags.ts";
import { openProgress } from "../../format/open-progress.ts";

/**
 * Reads the cluster that `--kubeconfig` and `--context` name, or the manifests of `-f`, telling how far it is.
 *
 * @throws CliError when no cluster answers
 */
export async function readClusters(
  call: { readonly signal: AbortSignal },
  flags: Flags,
  options: { readonly askKubelets: boolean },
): Promise<ClusterFacts[]> {
  const paths = flags.list("filename");
  using progress = openProgress();
  if (paths.length > 0) {
    const facts: ClusterFacts[] = [];
    for (const path of paths) {
      facts.push(
        path === "-"
          ? readManifestText("stdin", (await buffer(process.stdin)).toString("utf8"))
          : await readManifests(call, { path, progress: progress.show }),
      );
    }
    return facts;
  }
  try {
    const choice = { kubeconfig: flags.text("kubeconfig"), context: flags.text("context"), env: process.env };
    using client = new KubernetesClient(await loadConnection(choice));
    return [await readApi(call, { client, progress: progress.show, ...options })];
  } catch (error) {
    if (isKind(error, "canceled")) throw error;
    throw new CliError(messageOf(error), {
      next: "name a cluster: --kubeconfig FILE --context NAME; or read manifests: -f DIR; or this host: ferry migrate assess --node-only",
      cause: error,
    });
  }
}

/** A signal that Ctrl-C or SIGTERM aborts, once. */
export function onInterrupt(): Disposable & { signal: AbortSignal } {
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once("SIGINT", abort).once("SIGTERM", abort);
  return { signal: stop.signal, [Symbol.dispose]: () => void process.off("SIGINT", abort).off("SIGTERM", abort) };
}
