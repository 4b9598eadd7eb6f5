import { join } from "node:path";
import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { listDirectory, readStoreFile } from "./store-files.ts";

/** A container that Docker has, for the kubelet or for somebody else. */
export type DockerContainer = {
  readonly id: string;
  readonly name: string;
  /** As it was asked for: `nginx:1.25`. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As it was when its record was written last. */
  readonly isRunning: boolean;
  /** `always`, `unless-stopped`: somebody expects it to run. */
  readonly restartPolicy: string;
  /** Names of volumes it mounts. */
  readonly volumes: readonly string[];
};

const maxConfigBytes = 16 * 1024 * 1024;

/**
 * Every container but the kubelet's pods: those are made anew on the node's next runtime, these are not.
 *
 * One whose record cannot be read is left out. Source: moby v20.10.24 container/container.go; dockershim's `k8s_` names.
 */
export async function readOtherContainers(
  root: string,
): Promise<{ others: DockerContainer[]; all: DockerContainer[] }> {
  const all: DockerContainer[] = [];
  for (const id of await listDirectory(join(root, "containers"))) {
    if (!/^[0-9a-f]{64}$/.test(id)) continue;
    const container = await readContainer(join(root, "containers", id), id);
    if (container !== undefined) all.push(container);
  }
  return { others: all.filter(({ name }) => !name.startsWith("k8s_")), all };
}

async function readContainer(directory: string, id: string): Promise<DockerContainer | undefined> {
  try {
    const config = await readJson(join(directory, "config.v2.json"));
    const host = await findJson(join(directory, "hostconfig.json"));
    const mounts = config.at("MountPoints");
    const volumes = mounts.keys().map((path) => mounts.at(path).at("Name").optionalString() ?? "");
    return {
      id,
      name: (config.at("Name").optionalString() ?? "").replace(/^\//, ""),
      image: config.at("Config").at("Image").optionalString() ?? "",
      labels: config.at("Config").at("Labels").stringMap(),
      isRunning: config.at("State").at("Running").boolean(),
      restartPolicy: host.at("RestartPolicy").at("Name").optionalString() || "no",
      volumes: volumes.filter((name) => name !== ""),
    };
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Absent while a container is being made. */
async function findJson(path: string): Promise<JsonReader> {
  try {
    return await readJson(path);
  } catch (error) {
    if (isKind(error, "notFound")) return new JsonReader(undefined, path);
    throw error;
  }
}

async function readJson(path: string): Promise<JsonReader> {
  return JsonReader.parse(await readStoreFile(path, maxConfigBytes), path, maxConfigBytes);
}
