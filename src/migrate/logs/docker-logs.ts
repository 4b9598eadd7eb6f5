import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { listLogFiles } from "./log-files.ts";

/** A pod's container as Docker's data root knows it. */
export type DockerPodLog = {
  readonly dockerId: string;
  /** Where the kubelet keeps this log: `<namespace>_<pod>_<uid>/<container>`, below `/var/log/pods`. */
  readonly directory: string;
  /** Times the container was started before this one. */
  readonly restarts: number;
  /** Oldest first. */
  readonly files: readonly string[];
};

export type DockerLogs = {
  readonly logs: readonly DockerPodLog[];
  /** Containers whose record could not be read, with the reason. */
  readonly unreadable: readonly { readonly dockerId: string; readonly reason: string }[];
};

/** Kubernetes' names: DNS labels, and uids. Nothing that could leave a directory. */
const safeName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const mostRecordBytes = 16 << 20;

/**
 * The json-file logs of the pods' containers below a Docker data root; pause containers and those outside Kubernetes are
 * left out. Labels as dockershim wrote them: cri-dockerd `core/naming.go`, kubernetes `kuberuntime/labels.go`.
 */
export async function listDockerPodLogs(dataRoot: string): Promise<DockerLogs> {
  const logs: DockerPodLog[] = [];
  const unreadable: { dockerId: string; reason: string }[] = [];
  const containers = join(dataRoot, "containers");
  for (const dockerId of (await readdir(containers)).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort()) {
    try {
      const log = await readPodLog(join(containers, dockerId), dockerId);
      if (log !== undefined) logs.push(log);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      unreadable.push({ dockerId, reason: error.message });
    }
  }
  return { logs, unreadable };
}

async function readPodLog(directory: string, dockerId: string): Promise<DockerPodLog | undefined> {
  const record = join(directory, "config.v2.json");
  if ((await stat(record)).size > mostRecordBytes) throw new Error(`${record}: larger than a container's record`);
  const labels = JsonReader.parse(await readFile(record), record, mostRecordBytes)
    .at("Config")
    .at("Labels");
  const label = (name: string) => labels.at(name).optionalString() ?? "";
  if (label("io.kubernetes.docker.type") !== "container") return undefined;
  const [namespace, pod, uid, container] = ["pod.namespace", "pod.name", "pod.uid", "container.name"].map((name) =>
    safeLabel(`io.kubernetes.${name}`, label(`io.kubernetes.${name}`)),
  );
  const restarts = Number(label("annotation.io.kubernetes.container.restartCount") || "0");
  if (!Number.isSafeInteger(restarts) || restarts < 0) throw new Error(`${record}: restart count is no number`);
  const files = await logFilesIn(directory);
  return { dockerId, directory: `${namespace}_${pod}_${uid}/${container}`, restarts, files };
}

function safeLabel(name: string, value: string): string {
  if (!safeName.test(value)) throw new Error(`label ${name}: ${JSON.stringify(value)} is no Kubernetes name`);
  return value;
}

/** None when the container's log driver keeps no files. */
async function logFilesIn(directory: string): Promise<string[]> {
  try {
    return await listLogFiles(directory);
  } catch (error) {
    if (isKind(error, "notFound") || errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
