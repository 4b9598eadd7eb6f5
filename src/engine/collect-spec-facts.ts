import { join } from "node:path";
import type { Call } from "#core/call.ts";
import type { ContainerConfig, LinuxNamespaceMode } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { RuntimeFeatures } from "#core/tasks/runtime.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";
import { mountIdMapped } from "./id-mapped-mounts.ts";
import { mountImages } from "./image-mounts.ts";
import { findBlockDevices, findDescribedDevice, findDevices, findHostDevices } from "./oci-spec/find-devices.ts";
import { podContainerAnnotations } from "./sandbox-annotations.ts";
import type { ResolvedUser, SpecFacts } from "./oci-spec/spec-facts.ts";
import { maxUserFileBytes, resolveUser } from "./oci-spec/user.ts";

export type FactsRequest = {
  readonly container: Container;
  /** Mounted. */
  readonly rootPath: string;
  /** Pinned linux network namespace of its own. */
  readonly networkPath?: string;
  readonly etcFiles: SpecFacts["etcFiles"];
};

/**
 * Finds out what a container's spec depends on besides its config: users in the image, devices, volumes, other
 * containers' linux namespaces.
 *
 * @throws notFound when a volume or another container is missing @throws conflict when that container does not run
 */
export async function collectSpecFacts(call: Call, engine: Engine, request: FactsRequest): Promise<SpecFacts> {
  const { config, id } = request.container;
  const { settings } = engine;
  const [user, joined, devices, blockDevices, volumePaths, annotations] = await Promise.all([
    findUser(call, engine, config, request.rootPath),
    joinedNamespaces(call, engine, config),
    listDevices(config),
    findBlockDevices(blockDevicePaths(config)),
    sourceDirectories(call, engine, request.container),
    annotationsOf(call, engine, request.container),
  ]);
  const { linuxNamespaces } = config;
  const shmPath = linuxNamespaces.ipc.t === "host" ? "/dev/shm" : joined.shmPath;
  return {
    containerId: id,
    host: settings.host,
    runtime: featuresOf(engine, request.container),
    rootPath: request.rootPath,
    user,
    linuxNamespacePaths: {
      ...joined.paths,
      ...(request.networkPath === undefined ? {} : { network: request.networkPath }),
    },
    etcFiles: request.etcFiles,
    volumePaths,
    ...(shmPath === undefined ? {} : { shmPath }),
    devices: [...devices, ...(await describedDevices(config, user))],
    blockDevices,
    defaultCgroupParent: settings.cgroupParent,
    ...(settings.initPath === undefined ? {} : { initPath: settings.initPath }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The user of `config`, by the files of the tree at `rootPath`. @throws invalidArgument when there is none of that name */
export async function findUser(
  call: Call,
  { rootFiles }: Pick<Engine, "rootFiles">,
  { user, additionalGroups, groupPolicy }: Pick<ContainerConfig, "user" | "additionalGroups" | "groupPolicy">,
  rootPath: string,
): Promise<ResolvedUser> {
  const [passwd, group] = await Promise.all([
    rootFiles.find(call, rootPath, "/etc/passwd", maxUserFileBytes),
    rootFiles.find(call, rootPath, "/etc/group", maxUserFileBytes),
  ]);
  return resolveUser(user, additionalGroups, { passwd: decode(passwd), group: decode(group) }, groupPolicy);
}

/** Features of the runtime binary that a container's handler names. */
export function featuresOf(engine: Pick<Engine, "runtime">, { runtimeHandler }: Container): RuntimeFeatures {
  return featuresOfHandler(engine, runtimeHandler);
}

export function featuresOfHandler({ runtime }: Pick<Engine, "runtime">, runtimeHandler: string): RuntimeFeatures {
  const all = runtime.features();
  const found = all.find(({ name }) => name === runtimeHandler) ?? all[0];
  if (found === undefined) throw new Error("runtime has no handler");
  return found;
}

/** Only a runtime that makes its sandbox around a process asks which pod a container belongs to. */
async function annotationsOf(call: Call, engine: Engine, container: Container) {
  const { sandboxId } = container;
  if (sandboxId === undefined || !featuresOf(engine, container).sandboxProcess) return undefined;
  return podContainerAnnotations(await engine.sandboxes.get(call, sandboxId), container);
}

async function joinedNamespaces(call: Call, engine: Engine, { linuxNamespaces }: ContainerConfig) {
  const paths: Partial<Record<keyof ContainerConfig["linuxNamespaces"], string>> = {};
  let shmPath: string | undefined;
  for (const type of ["pid", "ipc", "uts", "cgroup", "network"] as const) {
    const mode = linuxNamespaces[type];
    if (mode.t === "path") paths[type] = mode.path;
    const pid = await pidOfOther(call, engine, linuxNamespaces[type]);
    if (pid === undefined) continue;
    paths[type] = `/proc/${pid}/ns/${type === "network" ? "net" : type}`;
    if (type === "ipc") shmPath = `/proc/${pid}/root/dev/shm`;
  }
  return { paths, shmPath };
}

async function pidOfOther(call: Call, engine: Engine, mode: LinuxNamespaceMode): Promise<number | undefined> {
  if (mode.t !== "container") return undefined;
  const other = await engine.containers.resolve(call, mode.containerId);
  return (await getTask(call, engine, other)).pid;
}

async function listDevices(config: ContainerConfig) {
  const own = await Promise.all(config.devices.map(findDevices));
  return [...(config.privileged ? await findHostDevices() : []), ...own.flat()];
}

async function describedDevices({ deviceEdits }: ContainerConfig, user: ResolvedUser) {
  const nodes = deviceEdits?.deviceNodes ?? [];
  return await Promise.all(nodes.map(async (node) => await findDescribedDevice(node, user)));
}

export function blockDevicePaths({ resources }: Pick<ContainerConfig, "resources">): string[] {
  const { blkioWeightDevice = [], blkioReadBps = [], blkioWriteBps = [] } = resources;
  const { blkioReadIops = [], blkioWriteIops = [] } = resources;
  const all = [blkioWeightDevice, blkioReadBps, blkioWriteBps, blkioReadIops, blkioWriteIops];
  return [...new Set(all.flatMap((list) => list.map(({ path }) => path)))];
}

/** Of volumes, images and id-mapped mounts, by destination. */
async function sourceDirectories(call: Call, engine: Engine, container: Container) {
  const { volumes } = engine;
  const found = container.config.mounts.map(async (mount): Promise<[string, string][]> => {
    if (mount.t !== "volume") return [];
    const { mountpoint } = await volumes.get(call, mount.name);
    return [[mount.destination, mount.subpath === undefined ? mountpoint : join(mountpoint, mount.subpath)]];
  });
  const images = await mountImages(call, engine, container);
  const mapped = await mountIdMapped(call, engine, container);
  return new Map([...(await Promise.all(found)).flat(), ...images, ...mapped]);
}

function decode(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}
