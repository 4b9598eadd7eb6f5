import { readCommandLine } from "../host/command-line.ts";
import { readDaemonJson } from "../host/read-docker.ts";
import { readImageNames } from "../host/read-image-names.ts";
import { findCgroupVersion } from "../host/read-kernel.ts";
import { readPackages, type Packages } from "../host/read-packages.ts";
import { findKubeletSetting, readKubelet } from "../host/read-kubelet.ts";
import { readUnit, type HostText } from "../host/read-unit.ts";
import type { HostRoot } from "../host/host-root.ts";
import type { RunningHost } from "../host/running-host.ts";
import type { Fact } from "../host/source.ts";
import { dataRootOf, decodeDocker } from "../docker-config/decode-docker.ts";
import { dockershimFlags } from "./cri-dockerd-unit.ts";
import type { DockerHost, KubeletSettings } from "./docker-host.ts";

const certsDirectory = "/etc/docker/certs.d";
/** Where logins lie that a kubelet or the docker command reads. */
const loginPaths = ["/var/lib/kubelet/config.json", "/root/.docker/config.json", "/.docker/config.json"];

export type HostSources = {
  readonly root: HostRoot;
  readonly running?: RunningHost | undefined;
  /** References of images in use, beside those that Docker's own store names. */
  readonly images: readonly string[];
};

/** Reads all that {@link DockerHost} holds. Root is not needed where the files may be read. */
export async function readDockerHost({ root, running, images }: HostSources): Promise<DockerHost> {
  const unit = await readUnit(root, "docker.service");
  const commandLine = unit === undefined ? undefined : await readCommandLine(root, unit);
  const daemonJson = await readDaemonJson(root, unit, commandLine);
  const containerdConfig = await findText(root, "/etc/containerd/config.toml");
  const ferryConfig = await findText(root, "/etc/ferry/config.toml");
  const packages = await readPackages(root, running);
  const cgroupVersion = await findCgroupVersion(root);
  const dataRoot = dataRootOf(decodeDocker({ daemonJson, unit, commandLine }).settings);
  return {
    ...(daemonJson !== undefined && { daemonJson }),
    ...(containerdConfig !== undefined && { containerdConfig }),
    ...(ferryConfig !== undefined && { ferryConfig }),
    ...(unit !== undefined && { unit }),
    ...(commandLine !== undefined && { commandLine }),
    ...(cgroupVersion !== undefined && { cgroupVersion }),
    certificates: await readCertificates(root),
    logins: await findAll(root, loginPaths),
    kubelet: await readKubeletSettings({ root, running, packages }),
    images: [...images, ...(await readStoredImages(root, dataRoot.value))],
  };
}

type KubeletSources = { root: HostRoot; running: RunningHost | undefined; packages: Packages };

async function readKubeletSettings(sources: KubeletSources): Promise<KubeletSettings> {
  const kubelet = await readKubelet(sources);
  const find = (flag: string, field?: string) =>
    findKubeletSetting(kubelet, field === undefined ? { flag } : { flag, field });
  const found: { readonly [K in Exclude<keyof KubeletSettings, "dockershimFlags">]: Fact<string> | undefined } = {
    cgroupDriver: find("cgroup-driver", "cgroupDriver"),
    podInfraContainerImage: find("pod-infra-container-image"),
    cniConfDir: find("cni-conf-dir"),
    cniBinDir: find("cni-bin-dir"),
  };
  const moved = dockershimFlags.flatMap((name) => {
    const fact = find(name);
    return fact === undefined ? [] : [[name, fact] as const];
  });
  return {
    ...Object.fromEntries(Object.entries(found).filter(([, fact]) => fact !== undefined)),
    dockershimFlags: Object.fromEntries(moved),
  };
}

async function readCertificates(root: HostRoot): Promise<HostText[]> {
  const files: HostText[] = [];
  for (const registry of await root.list(certsDirectory)) {
    const names = await root.list(`${certsDirectory}/${registry}`);
    files.push(
      ...(await findAll(
        root,
        names.map((name) => `${certsDirectory}/${registry}/${name}`),
      )),
    );
  }
  return files;
}

/** Names of images in Docker's graph store, of every storage driver. */
async function readStoredImages(root: HostRoot, dataRoot: string): Promise<string[]> {
  const names: string[] = [];
  for (const driver of await root.list(`${dataRoot}/image`)) {
    names.push(...(await readImageNames(root, `${dataRoot}/image/${driver}`)));
  }
  return names;
}

async function findText(root: HostRoot, path: string): Promise<HostText | undefined> {
  const text = await root.findText(path);
  return text === undefined ? undefined : { path, text };
}

async function findAll(root: HostRoot, paths: readonly string[]): Promise<HostText[]> {
  const files = await Promise.all(paths.map(async (path) => await findText(root, path)));
  return files.filter((file) => file !== undefined);
}
