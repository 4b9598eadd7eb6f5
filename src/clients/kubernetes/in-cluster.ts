import { readFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import { tokenFileSource } from "./connection-of.ts";
import type { KubernetesConnection } from "./connection.ts";

const directory = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The connection of the pod this runs in; undefined outside of one.
 *
 * Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export async function findInClusterConnection(
  env: Readonly<Record<string, string | undefined>>,
): Promise<KubernetesConnection | undefined> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const ca = await readIfThere(`${directory}/ca.crt`);
  if (host === undefined || host === "" || ca === undefined) return undefined;
  const namespace = (await readIfThere(`${directory}/namespace`))?.toString("utf8").trim();
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  return {
    name: "in-cluster",
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    ca,
    insecure: false,
    headers: {},
    namespace: namespace ?? "default",
    credentials: tokenFileSource(`${directory}/token`),
  };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
