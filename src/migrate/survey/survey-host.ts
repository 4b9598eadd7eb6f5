import { EngineError, errnoOf, isKind, messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { Missing } from "../cluster/cluster-facts.ts";
import { readDoctorFacts } from "../containerd-config/read-doctor-facts.ts";
import { convert } from "../convert/convert.ts";
import type { DockerHost } from "../convert/docker-host.ts";
import { containerdSpecFor } from "../convert/find-target.ts";
import { readDockerHost } from "../convert/read-docker-host.ts";
import { dataRootOf, decodeDocker } from "../docker-config/decode-docker.ts";
import { decodeLogin } from "../docker-config/decode-login.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readNode, type NodeFacts } from "../host/read-node.ts";
import type { RunningHost } from "../host/running-host.ts";
import { readVolumes } from "../images/docker-store/docker-volumes.ts";
import type { LedgerEntry } from "../ledger/ledger.ts";
import type { HostSurvey } from "./host-survey.ts";
import { readDataRoot, readLocalImages } from "./read-data-root.ts";
import { locateDataRoot, readDockerContainers } from "./read-docker-containers.ts";
import { readJournal } from "./read-journal.ts";
import { readLogLinks } from "./read-log-links.ts";
import { readFirewall, readInterfaces } from "./read-network.ts";
import { readPodCgroups } from "./read-pod-cgroups.ts";
import { readScripts } from "./read-scripts.ts";
import { readSocketUsers } from "./read-socket-users.ts";
import { readSpace } from "./read-space.ts";
import { readDockerGroup, readFightingPackages, readMounts, readSelinux, readSystemdVersion } from "./read-system.ts";

export type SurveyOptions = {
  readonly root: HostRoot;
  /** Absent for a copy. */
  readonly running?: RunningHost | undefined;
  readonly progress: (text: string) => void;
};

const runtimeSockets = [
  "/run/containerd/containerd.sock",
  "/run/dockershim.sock",
  "/run/cri-dockerd.sock",
  "/run/crio/crio.sock",
  "/run/ferry/ferry.sock",
  "/run/k3s/containerd/containerd.sock",
  "/run/docker/containerd/containerd.sock",
] as const;

/**
 * Reads a node. A part that may not be read is noted as missing, and the others are read.
 *
 * @throws failedPrecondition for a root with neither a kubelet nor Docker nor containerd
 */
export async function surveyHost(call: Call, { root, running, progress }: SurveyOptions): Promise<HostSurvey> {
  const missing: Missing[] = [];
  const part = async <T>(what: string, read: () => Promise<T>, otherwise: NoInfer<T>): Promise<T> => {
    call.signal.throwIfAborted();
    progress(`reading ${what}`);
    try {
      return await read();
    } catch (error) {
      const isRefused = errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM";
      if ((!(error instanceof EngineError) && !isRefused) || isKind(error, "canceled")) throw error;
      missing.push({ what, why: messageOf(error), isOptional: false });
      return otherwise;
    }
  };
  progress("reading kubelet, Docker and containerd");
  const node = await readNode(root, running);
  assertIsNode(root, node);
  const docker = await readDockerHost({ root, running, images: [] });
  const { settings, unit } = decodeDocker(docker);
  const { value: dataRoot } = dataRootOf(settings);
  const noPackages: HostSurvey["packages"] = new Map();
  const containers = await part("containers", async () => await readDockerContainers(root, dataRoot), []);
  return {
    directory: root.directory,
    isRunning: running !== undefined,
    node,
    docker,
    settings,
    unit,
    lost: await part("configuration", async () => await lostOf(docker, root, running), []),
    logins: docker.logins.map(({ path, text }) => decodeLogin(text, path)),
    doctor: await readDoctorFacts({ root, running }),
    sockets: await part("sockets", async () => await present(root, runtimeSockets), []),
    containers,
    volumes: await part(
      "volumes",
      async () => await readVolumes(call.signal, await locateDataRoot(root, dataRoot), containers),
      [],
    ),
    localImages: await part("images", async () => await readLocalImages(root, dataRoot), []),
    dataRoot: await part("data root", async () => await readDataRoot(root, dataRoot), noDataRoot(dataRoot)),
    space: await part("space", async () => await readSpace(running, dataRoot), undefined),
    scripts: await part("scripts", async () => await readScripts(call, root), []),
    interfaces: await part("network interfaces", async () => await readInterfaces(root, running), []),
    firewall: await part("firewall", async () => await readFirewall(running), undefined),
    dockerGroup: await part("groups", async () => await readDockerGroup(root), undefined),
    socketUsers: await part("socket users", async () => await readSocketUsers(root, running), []),
    podCgroups: await part("cgroups", async () => await readPodCgroups(root), []),
    logLinks: await part("pod logs", async () => await readLogLinks(root), { count: 0, first: undefined }),
    mounts: await part("mounts", async () => await readMounts(root), []),
    systemdVersion: await part("systemd", async () => await readSystemdVersion(root, running), undefined),
    selinux: await part("SELinux", async () => await readSelinux(root), undefined),
    packages: await part<HostSurvey["packages"]>(
      "packages",
      async () => await readFightingPackages(root, running),
      noPackages,
    ),
    journal: await part("logs of units", async () => await readJournal(root, running), []),
    missing,
  };
}

function assertIsNode(root: HostRoot, { kubelet, docker, containerd, layout }: NodeFacts): void {
  const isNode = kubelet.unit !== undefined || kubelet.running !== undefined || docker !== undefined;
  if (isNode || containerd.installed !== undefined || layout.t !== "none") return;
  throw new EngineError(
    "failedPrecondition",
    `host root ${root.directory}: no node: no kubelet, Docker or containerd in it`,
  );
}

async function lostOf(
  docker: DockerHost,
  root: HostRoot,
  running: RunningHost | undefined,
): Promise<readonly LedgerEntry[]> {
  const { ledger } = convert(docker, await containerdSpecFor(undefined, root, running));
  return ledger.filter(({ outcome }) => outcome === "lost" || outcome === "invalid");
}

async function present(root: HostRoot, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const kind = (await root.find(path))?.kind;
    // A copy of a root may have a file in a socket's place.
    if (kind === "socket" || kind === "file") found.push(path);
  }
  return found;
}

function noDataRoot(path: string): HostSurvey["dataRoot"] {
  return { path, remapped: [], drivers: [], hasSwarm: false, hasContainerdStore: false };
}
