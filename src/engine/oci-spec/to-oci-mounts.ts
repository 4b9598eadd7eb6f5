import { EngineError } from "#base/errors.ts";
import type { ContainerConfig, ContainerMount } from "#core/containers/container-config.ts";
import type { DeviceMount } from "#core/devices/device-edits.ts";
import type { OciMount } from "#core/tasks/oci-spec.ts";
import type { SpecFacts } from "./spec-facts.ts";

/** Where the init binary is seen in a container, as Docker has it. */
export const initDestination = "/sbin/docker-init";

/** Whether a small init is put before the command: only where the process is pid 1 of its own namespace. */
export function runsInit(config: Pick<ContainerConfig, "init" | "linuxNamespaces">): boolean {
  return config.init && config.linuxNamespaces.pid.t === "private";
}

/**
 * Mounts in the order they are made: the usual ones that the config does not replace, init, files below `/etc`, then
 * the config's, parents before children; last what devices bring, in place of what is at the same destination.
 */
export function toOciMounts(
  config: ContainerConfig,
  facts: SpecFacts,
): { mounts: OciMount[]; rootfsPropagation: string | undefined } {
  const taken = new Set(config.mounts.map(({ destination }) => trimSlash(destination)));
  const own = [...config.mounts]
    .map((mount, at) => ({ mount, at }))
    .sort((a, b) => depth(a.mount.destination) - depth(b.mount.destination) || a.at - b.at)
    .map(({ mount }) => mount);
  const edited = (config.deviceEdits?.mounts ?? []).map(toDeviceMount);
  const replacedByDevice = new Set(edited.map(({ destination }) => trimSlash(destination)));
  const mounts = [
    ...standardMounts(config, facts).filter(({ destination }) => !replaced(destination, taken)),
    ...initMount(config, facts),
    ...etcMounts(facts).filter(({ destination }) => !taken.has(destination)),
    ...own.map((mount) => toMount(mount, facts)),
  ];
  return {
    mounts: [...mounts.filter(({ destination }) => !replacedByDevice.has(trimSlash(destination))), ...edited],
    rootfsPropagation: rootPropagation(config.mounts),
  };
}

/** Source: container-device-interface, SPEC.md: as it stands in the file. */
function toDeviceMount({ hostPath, containerPath, type, options }: DeviceMount): OciMount {
  const isBind = options.some((option) => option === "bind" || option === "rbind");
  const bind = type === "" && !isBind ? ["rbind"] : [];
  return { destination: containerPath, type: type || "bind", source: hostPath, options: [...bind, ...options] };
}

/** A mount of the person's at `/dev` takes the place of everything below it too. */
function replaced(destination: string, taken: ReadonlySet<string>): boolean {
  return taken.has(destination) || (taken.has("/dev") && destination.startsWith("/dev/"));
}

/** Source: moby daemon/pkg/oci/defaults.go and oci_linux.go (withMounts). */
function standardMounts(config: ContainerConfig, facts: SpecFacts): OciMount[] {
  const safe = ["nosuid", "noexec", "nodev"];
  const readOnly = config.privileged ? [] : ["ro"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: safe },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...safe, ...readOnly] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...readOnly, ...safe] },
    ...mqueueMount(config, facts, safe),
    shmMount(config, facts, safe),
  ];
}

function mqueueMount(config: ContainerConfig, { host }: SpecFacts, safe: string[]): OciMount[] {
  const destination = "/dev/mqueue";
  if (config.linuxNamespaces.ipc.t !== "host")
    return [{ destination, type: "mqueue", source: "mqueue", options: safe }];
  if (host.mqueue === false) return [];
  return [{ destination, type: "bind", source: destination, options: ["rbind", ...safe] }];
}

function shmMount(config: ContainerConfig, facts: SpecFacts, safe: string[]): OciMount {
  if (facts.shmPath !== undefined)
    return { destination: "/dev/shm", type: "bind", source: facts.shmPath, options: ["rbind", ...safe] };
  const options = [...safe, "mode=1777", `size=${config.shmSizeBytes}`];
  return { destination: "/dev/shm", type: "tmpfs", source: "shm", options };
}

function initMount(config: ContainerConfig, facts: SpecFacts): OciMount[] {
  if (!runsInit(config) || facts.initPath === undefined) return [];
  return [{ destination: initDestination, type: "bind", source: facts.initPath, options: ["bind", "ro"] }];
}

function etcMounts({ etcFiles }: SpecFacts): OciMount[] {
  const named = [
    ["/etc/resolv.conf", etcFiles.resolvConf],
    ["/etc/hostname", etcFiles.hostname],
    ["/etc/hosts", etcFiles.hosts],
  ] as const;
  return named.flatMap(([destination, source]) =>
    source === undefined ? [] : [{ destination, type: "bind", source, options: ["rbind", "rprivate"] }],
  );
}

function toMount(mount: ContainerMount, facts: SpecFacts): OciMount {
  switch (mount.t) {
    case "bind":
      return {
        destination: mount.destination,
        type: "bind",
        source: (mount.idMapped === true ? facts.volumePaths.get(mount.destination) : undefined) ?? mount.source,
        options: [
          mount.nonRecursive ? "bind" : "rbind",
          readOnlyOption(mount.readOnly, mount.recursiveReadOnly && facts.runtime.recursiveReadOnly),
          mount.propagation,
        ],
      };
    case "volume": {
      const source = facts.volumePaths.get(mount.destination);
      if (source === undefined)
        throw new EngineError("internal", `volume ${mount.name}: no path for ${mount.destination}`);
      const options = ["rbind", readOnlyOption(mount.readOnly, false), "rprivate"];
      return { destination: mount.destination, type: "bind", source, options };
    }
    case "image": {
      const source = facts.volumePaths.get(mount.destination);
      if (source === undefined)
        throw new EngineError("internal", `image ${mount.reference}: no path for ${mount.destination}`);
      return { destination: mount.destination, type: "bind", source, options: ["rbind", "ro", "rprivate"] };
    }
    case "tmpfs":
      return {
        destination: mount.destination,
        type: "tmpfs",
        source: "tmpfs",
        options: tmpfsOptions(mount.options),
      };
    default:
      return mount satisfies never;
  }
}

function readOnlyOption(readOnly: boolean, recursive: boolean): string {
  if (!readOnly) return "rw";
  return recursive ? "rro" : "ro";
}

/** Docker's defaults, each taken back by its opposite; the last of a kind counts. */
function tmpfsOptions(asked: readonly string[]): string[] {
  const chosen = new Map<string, string>();
  for (const option of ["noexec", "nosuid", "nodev", "rprivate", ...asked]) {
    const name = option.split("=", 1)[0] ?? option;
    const kind = flagKinds.get(name) ?? name;
    chosen.delete(kind);
    chosen.set(kind, option);
  }
  return [...chosen.values()];
}

/** Options that exclude each other, by the name of what they decide. */
const flagKinds = new Map(
  Object.entries({
    exec: ["exec", "noexec"],
    suid: ["suid", "nosuid"],
    dev: ["dev", "nodev"],
    write: ["ro", "rw"],
    sync: ["sync", "async"],
    atime: ["atime", "noatime", "relatime", "norelatime", "strictatime", "nostrictatime"],
    propagation: ["private", "rprivate", "shared", "rshared", "slave", "rslave"],
  }).flatMap(([kind, names]) => names.map((name) => [name, kind] as const)),
);

/** A root that hides its mounts from the host would cut shared and slave binds off. */
function rootPropagation(mounts: readonly ContainerMount[]): string | undefined {
  const kinds = mounts.map((mount) => (mount.t === "bind" ? mount.propagation : "rprivate"));
  if (kinds.some((kind) => kind === "shared" || kind === "rshared")) return "shared";
  if (kinds.some((kind) => kind === "slave" || kind === "rslave")) return "rslave";
  return undefined;
}

function depth(path: string): number {
  return path.split("/").filter((part) => part !== "").length;
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
