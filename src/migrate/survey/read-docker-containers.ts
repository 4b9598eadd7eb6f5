import { join } from "node:path";
import type { HostRoot } from "../host/host-root.ts";
import { readOtherContainers, type DockerContainer } from "../images/docker-store/docker-containers.ts";

/** Where a host's data root lies on this machine: links on the way are followed within the host's root only. */
export async function locateDataRoot(root: HostRoot, dataRoot: string): Promise<string> {
  return join(root.directory, (await root.findRealPath(dataRoot)) ?? dataRoot);
}

/** All containers that a host's Docker has, the kubelet's and others. */
export async function readDockerContainers(root: HostRoot, dataRoot: string): Promise<DockerContainer[]> {
  return (await readOtherContainers(await locateDataRoot(root, dataRoot))).all;
}
