import { isAbsolute } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { ContainerMount, DeviceMapping } from "#core/containers/container-config.ts";
import type { IdMapping, IdMappings } from "#core/sandboxes/user-namespace.ts";
import type { SandboxPaths } from "#engine/sandbox-paths.ts";
import { MountPropagation, type Device, type Mount } from "#gen/runtime/v1/containers_pb.ts";

const propagations = {
  [MountPropagation.PROPAGATION_PRIVATE]: "rprivate",
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: "rslave",
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: "rshared",
} as const;

/** What a pod and a container say of all their mounts. */
export type MountPlace = { readonly rootReadOnly: boolean; readonly idMappings?: IdMappings };

/** The kubelet's mounts, and the pod's own files where those leave room. Pure. */
export function toMounts(mounts: readonly Mount[], paths: SandboxPaths, place: MountPlace): ContainerMount[] {
  const { rootReadOnly, idMappings } = place;
  const asked = mounts.map((mount) => toMount(mount, idMappings));
  const files = { readOnly: rootReadOnly, ...(idMappings !== undefined && { idMapped: true }) };
  const taken = new Set(asked.map(({ destination }) => destination));
  const own = [
    bind(paths.hostname, "/etc/hostname", files),
    bind(paths.hosts, "/etc/hosts", files),
    bind(paths.resolvConf, "/etc/resolv.conf", files),
    bind(paths.shm, "/dev/shm", { readOnly: false }),
  ];
  return [...own.filter(({ destination }) => !taken.has(destination)), ...asked];
}

export function toDevices(devices: readonly Device[]): DeviceMapping[] {
  return devices.map(({ hostPath, containerPath, permissions }) => ({
    source: hostPath,
    destination: containerPath === "" ? hostPath : containerPath,
    access: permissions === "" ? "rwm" : permissions,
  }));
}

/** @throws invalidArgument @throws notImplemented for what is refused by name */
function toMount(mount: Mount, idMappings: IdMappings | undefined): ContainerMount {
  const { containerPath, hostPath, readonly, propagation, recursiveReadOnly } = mount;
  if (containerPath === "") throw new EngineError("invalidArgument", "mount: container_path is empty");
  if ((mount.image?.image ?? "") !== "") return toImageMount(mount);
  const idMapped = isIdMapped(mount, idMappings);
  if (!isAbsolute(hostPath)) {
    throw new EngineError(
      "invalidArgument",
      `mount ${containerPath}: host_path ${JSON.stringify(hostPath)}: not absolute`,
    );
  }
  if (recursiveReadOnly && !readonly) {
    throw new EngineError("invalidArgument", `mount ${containerPath}: recursive_read_only needs readonly`);
  }
  if (recursiveReadOnly && propagation !== MountPropagation.PROPAGATION_PRIVATE) {
    throw new EngineError("invalidArgument", `mount ${containerPath}: recursive_read_only needs private propagation`);
  }
  const known = Object.entries(propagations).find(([key]) => Number(key) === propagation)?.[1] ?? "rprivate";
  return {
    t: "bind",
    source: hostPath,
    destination: containerPath,
    readOnly: readonly,
    recursiveReadOnly,
    nonRecursive: false,
    propagation: known,
    ...(idMapped && { idMapped }),
    createSource: true,
  };
}

/** @throws invalidArgument for a mapping that is not the pod's, which is the only one there is a namespace for */
function isIdMapped({ containerPath, uidMappings, gidMappings }: Mount, own: IdMappings | undefined): boolean {
  if (uidMappings.length + gidMappings.length === 0) return false;
  const isOwn = (asked: Mount["uidMappings"], [mapping, ...others]: readonly IdMapping[] = []) => {
    const [first, ...more] = asked;
    if (first === undefined || mapping === undefined || more.length + others.length > 0) return false;
    const { containerId, hostId, length } = first;
    return containerId === mapping.containerId && hostId === mapping.hostId && length === mapping.size;
  };
  if (isOwn(uidMappings, own?.uids) && isOwn(gidMappings, own?.gids)) return true;
  throw new EngineError("invalidArgument", `mount ${containerPath}: its id mappings are not those of the pod`);
}

/** @throws invalidArgument when it is not read-only, or has a host path too */
function toImageMount({ image, containerPath, hostPath, readonly, imageSubPath }: Mount): ContainerMount {
  if (!readonly) throw new EngineError("invalidArgument", `mount ${containerPath}: an image is read-only`);
  if (hostPath !== "") throw new EngineError("invalidArgument", `mount ${containerPath}: an image and a host path`);
  if (imageSubPath.startsWith("/") || imageSubPath.split("/").includes("..")) {
    throw new EngineError("invalidArgument", `mount ${containerPath}: image_sub_path must stay in the image`);
  }
  return {
    t: "image",
    reference: image?.image ?? "",
    destination: containerPath,
    ...(imageSubPath !== "" && { subpath: imageSubPath }),
  };
}

function bind(
  source: string,
  destination: string,
  how: { readonly readOnly: boolean; readonly idMapped?: boolean },
): ContainerMount {
  return {
    t: "bind",
    source,
    destination,
    ...how,
    recursiveReadOnly: false,
    nonRecursive: false,
    propagation: "rprivate",
    createSource: false,
  };
}
