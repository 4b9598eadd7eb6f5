import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { KubernetesConnection } from "./connection.ts";
import { connectionOf } from "./connection-of.ts";
import { findInClusterConnection } from "./in-cluster.ts";
import { mergeKubeconfigs, parseKubeconfig, type Kubeconfig } from "./kubeconfig.ts";

export type ConnectionChoice = {
  /** A kubeconfig file; otherwise `KUBECONFIG`, `~/.kube/config`, then the service account of the pod this runs in. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
};

const maxFileBytes = 4 * 1024 * 1024;

/**
 * Finds the API server to talk to as kubectl does.
 *
 * @throws notFound when nothing names one; invalidArgument for a kubeconfig that cannot be used, with its path
 */
export async function loadConnection(choice: ConnectionChoice): Promise<KubernetesConnection> {
  const config = await loadKubeconfig(choice);
  if (config !== undefined) return connectionOf(config, choice);
  const inCluster = await findInClusterConnection(choice.env);
  if (inCluster !== undefined) return inCluster;
  throw new EngineError("notFound", "kubeconfig: none (no --kubeconfig, KUBECONFIG or ~/.kube/config, and no pod)");
}

/** Files of `KUBECONFIG` that are not there are passed over, as kubectl does; a named one must be there. */
async function loadKubeconfig({ kubeconfig, env }: ConnectionChoice): Promise<Kubeconfig | undefined> {
  if (kubeconfig !== undefined) return parseKubeconfig(kubeconfig, await readBounded(kubeconfig));
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const paths = listed.length > 0 ? listed : [join(env["HOME"] ?? homedir(), ".kube/config")];
  const configs: Kubeconfig[] = [];
  for (const path of paths) {
    try {
      configs.push(parseKubeconfig(path, await readBounded(path)));
    } catch (error) {
      if (errnoOf(error instanceof Error ? error.cause : undefined) !== "ENOENT") throw error;
    }
  }
  return configs.length === 0 ? undefined : mergeKubeconfigs(configs);
}

async function readBounded(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= maxFileBytes) return bytes.toString("utf8");
  } catch (cause) {
    const why = errnoOf(cause) === "ENOENT" ? "no such file" : messageOf(cause);
    throw new EngineError("invalidArgument", `kubeconfig ${path}: ${why}`, { cause });
  }
  throw new EngineError("invalidArgument", `kubeconfig ${path}: longer than ${maxFileBytes} bytes`);
}
