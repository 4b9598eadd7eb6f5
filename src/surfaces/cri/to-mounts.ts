import { EngineError } from "#base/errors.ts";
import type { ContainerMount, DeviceMapping } from "#core/containers/container-config.ts";
import type { SandboxPaths } from "#engine/sandbox-paths.ts";
import { MountPropagation, type Device, type Mount } from "#gen/runtime/v1/containers_pb.ts";

const propagations = {
  [MountPropagation.PROPAGATION_PRIVATE]: "rprivate",
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: "rslave",
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: "rshared",
} as const;

/** The kubelet's mounts, and the pod's own files where those leave room. Pure. */
export function toMounts(mounts: readonly Mount[], paths: SandboxPaths, rootReadOnly: boolean): ContainerMount[] {
  const asked = mounts.map(toMount);
  const taken = new Set(asked.map(({ destination }) => destination));
  const own = [
    bind(paths.hostname, "/etc/hostname", rootReadOnly),
    bind(paths.hosts, "/etc/hosts", rootReadOnly),
    bind(paths.resolvConf, "/etc/resolv.conf", rootReadOnly),
    bind(paths.shm, "/dev/shm", false),
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
function toMount(mount: Mount): ContainerMount {
  const { containerPath, hostPath, readonly, propagation, recursiveReadOnly } = mount;
  if (containerPath === "") throw new EngineError("invalidArgument", "mount: container_path is empty");
  if ((mount.image?.image ?? "") !== "") return toImageMount(mount);
  if (mount.uidMappings.length + mount.gidMappings.length > 0) {
    throw new EngineError("notImplemented", "mount: id mappings are not supported");
  }
  if (hostPath === "") throw new EngineError("invalidArgument", `mount ${containerPath}: host_path is empty`);
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
    createSource: true,
  };
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

function bind(source: string, destination: string, readOnly: boolean): ContainerMount {
  return {
    t: "bind",
    source,
    destination,
    readOnly,
    recursiveReadOnly: false,
    nonRecursive: false,
    propagation: "rprivate",
    createSource: false,
  };
}
