import type { ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import { asText, asObject, type DockerRecord } from "./records.ts";

export type MountPoint = {
  readonly Type: string;
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
};

/** Directories of volumes by name. */
export type VolumePaths = ReadonlyMap<string, string>;

/** What is mounted in a container, as list and inspect show it. `HostConfig.Tmpfs` is not among it, as in Docker. */
export function toMountPoints(container: Container, record: DockerRecord, volumes: VolumePaths): MountPoint[] {
  const tmpfs = asObject(record.hostConfig["Tmpfs"]);
  const modes = bindModes(record);
  return container.config.mounts
    .filter((mount) => mount.t !== "tmpfs" || !Object.hasOwn(tmpfs, mount.destination))
    .map((mount) => toMountPoint(mount, modes.get(mount.destination) ?? "", volumes));
}

function toMountPoint(mount: ContainerMount, mode: string, volumes: VolumePaths): MountPoint {
  switch (mount.t) {
    case "bind":
      return {
        Type: "bind",
        Source: mount.source,
        Destination: mount.destination,
        Mode: mode,
        RW: !mount.readOnly,
        Propagation: mount.propagation,
      };
    case "volume":
      return {
        Type: "volume",
        Name: mount.name,
        Source: volumes.get(mount.name) ?? "",
        Destination: mount.destination,
        Driver: "local",
        Mode: mode,
        RW: !mount.readOnly,
        Propagation: "",
      };
    case "image":
      return {
        Type: "image",
        Source: mount.reference,
        Destination: mount.destination,
        Mode: mode,
        RW: false,
        Propagation: "",
      };
    case "tmpfs":
      return { Type: "tmpfs", Source: "", Destination: mount.destination, Mode: "", RW: true, Propagation: "" };
    default:
      return mount satisfies never;
  }
}

/** The part after the second colon of each bind, by destination. */
function bindModes(record: DockerRecord): Map<string, string> {
  const binds = record.hostConfig["Binds"];
  if (!Array.isArray(binds)) return new Map();
  return new Map(
    binds.map(asText).map((text) => {
      const [, destination = "", mode = ""] = text.split(":");
      return [destination, mode];
    }),
  );
}
