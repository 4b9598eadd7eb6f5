import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { DockerFacts } from "../host/read-docker.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readImageNames } from "../host/read-image-names.ts";
import { readDockerContainers } from "../survey/read-docker-containers.ts";
import { readDockerStore } from "../images/docker-store/docker-store.ts";
import { readableDrivers } from "../images/docker-store/storage-driver.ts";
import { forecastStore, type StoreForecast } from "../images/forecast-store.ts";
import type { StoreFacts } from "./plan-input.ts";
import type { Target } from "./step.ts";

/** Whose layers are trees that can be read where they lie. */
const readable = Object.keys(readableDrivers);

/** What lies in Docker's data root. Source: moby v20.10.24 layer/filestore.go, image/fs.go, reference/store.go. */
export async function readStoreFacts(
  root: HostRoot,
  docker: DockerFacts,
  targets: Readonly<Record<"ferry" | "containerd", string>>,
): Promise<StoreFacts> {
  const dataRoot = docker.dataRoot.value;
  const path = await findImageRoot(root, docker);
  const drivers: string[] = [];
  for (const name of await root.list(`${path}/image`)) {
    if ((await root.list(`${path}/image/${name}/imagedb/content/sha256`)).length > 0) drivers.push(name);
  }
  const said = docker.settings["storage-driver"]?.value;
  const driver = drivers.find((name) => name === said) ?? readable.find((name) => drivers.includes(name)) ?? drivers[0];
  const isReadable = driver !== undefined && readable.includes(driver);
  return {
    path,
    drivers,
    driver: isReadable ? driver : undefined,
    names: isReadable ? await readImageNames(root, `${path}/image/${driver}`) : [],
    layerBytes: isReadable ? await sumLayers(root, `${path}/image/${driver}/layerdb/sha256`) : 0,
    forecast: isReadable ? await forecast(root, path, driver) : undefined,
    besides: await findBesides(root, path, targets),
    otherContainers: await findOthers(root, dataRoot),
  };
}

/** Of a store that a running Docker changes meanwhile, or a copy without what layers are rebuilt from: undefined. */
async function forecast(root: HostRoot, path: string, driver: string): Promise<StoreForecast | undefined> {
  const real = await root.findRealPath(path);
  if (real === undefined) return undefined;
  try {
    const found = await forecastStore(await readDockerStore(join(root.directory, real), { driver }));
    return found.trees.bytes === 0 ? undefined : found;
  } catch (error) {
    if (error instanceof EngineError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

async function findBesides(
  root: HostRoot,
  path: string,
  targets: Readonly<Record<"ferry" | "containerd", string>>,
): Promise<Target[]> {
  const own = await deviceOf(root, path);
  const found: Target[] = [];
  for (const target of ["ferry", "containerd"] as const) {
    if ((await deviceOf(root, targets[target])) === own) found.push(target);
  }
  return found;
}

/** Of the filesystem where `path` is, or will be made. */
async function deviceOf(root: HostRoot, path: string): Promise<number> {
  for (let at = path; ; at = dirname(at)) {
    const real = await root.findRealPath(at);
    if (real !== undefined) return (await stat(join(root.directory, real))).dev;
    if (at === "/") return -1;
  }
}

/** With userns-remap, Docker works in a directory of its root that is named after the first of its IDs. */
async function findImageRoot(root: HostRoot, { dataRoot, settings }: DockerFacts): Promise<string> {
  if (settings["userns-remap"] === undefined) return dataRoot.value;
  const remapped = (await root.list(dataRoot.value)).find((name) => /^\d+\.\d+$/.test(name));
  return remapped === undefined ? dataRoot.value : `${dataRoot.value}/${remapped}`;
}

async function sumLayers(root: HostRoot, directory: string): Promise<number> {
  let sum = 0;
  for (const layer of await root.list(directory)) {
    const size = Number(await root.findText(`${directory}/${layer}/size`));
    if (Number.isSafeInteger(size)) sum += size;
  }
  return sum;
}

/** Containers that no pod owns, and that run or would be started again. */
async function findOthers(root: HostRoot, dataRoot: string): Promise<string[]> {
  const containers = await readDockerContainers(root, dataRoot);
  return containers
    .filter(({ labels, name }) => labels["io.kubernetes.pod.uid"] === undefined && !name.startsWith("k8s_"))
    .filter(({ isRunning, restartPolicy }) => isRunning || (restartPolicy !== "" && restartPolicy !== "no"))
    .map(({ name }) => name)
    .sort();
}
