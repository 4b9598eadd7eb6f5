import type { HostRoot } from "../host/host-root.ts";
import { readPackages } from "../host/read-packages.ts";
import type { RunningHost } from "../host/running-host.ts";
import type { Fact } from "../host/source.ts";

const fighting = [
  "docker.io",
  "docker-ce",
  "docker-ee",
  "containerd",
  "containerd.io",
  "podman-docker",
  "moby-engine",
  "nvidia-container-toolkit",
  "container-selinux",
  "runc",
];

export async function readFightingPackages(
  root: HostRoot,
  running: RunningHost | undefined,
): Promise<Map<string, Fact<string>>> {
  const packages = await readPackages(root, running);
  return new Map(
    fighting.flatMap((name) => {
      const found = packages.find(name);
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
}

/** Users of the group `docker`; undefined without the group. */
export async function readDockerGroup(root: HostRoot): Promise<Fact<readonly string[]> | undefined> {
  const lines = ((await root.findText("/etc/group")) ?? "").split("\n");
  const at = lines.findIndex((line) => line.startsWith("docker:"));
  const line = lines[at];
  if (line === undefined) return undefined;
  const value = (line.split(":")[3] ?? "").split(",").filter((name) => name !== "");
  return { value, source: { t: "file", path: "/etc/group", line: at + 1, excerpt: line } };
}

/** Mount points that are made at boot, each with its line. */
export async function readMounts(root: HostRoot): Promise<Fact<string>[]> {
  const lines = ((await root.findText("/etc/fstab")) ?? "").split("\n");
  return lines.flatMap((line, at) => {
    const value = line.trim().split(/\s+/)[1];
    if (value === undefined || line.trim().startsWith("#")) return [];
    return [{ value, source: { t: "file", path: "/etc/fstab", line: at + 1, excerpt: line.trim() } } as const];
  });
}

export async function readSystemdVersion(
  root: HostRoot,
  running: RunningHost | undefined,
): Promise<Fact<number> | undefined> {
  const said = /^systemd (\d+)/.exec((await running?.ask(["systemctl", "--version"])) ?? "")?.[1];
  if (said !== undefined)
    return { value: Number(said), source: { t: "system", what: "systemctl --version", excerpt: `systemd ${said}` } };
  const packaged = (await readPackages(root, running)).find("systemd");
  const number = /^\d+/.exec(packaged?.value ?? "")?.[0];
  return packaged === undefined || number === undefined
    ? undefined
    : { value: Number(number), source: packaged.source };
}

/** `enforcing`, `permissive`, `disabled`, as it will be after the next boot. */
export async function readSelinux(root: HostRoot): Promise<Fact<string> | undefined> {
  const path = "/etc/selinux/config";
  const lines = ((await root.findText(path)) ?? "").split("\n");
  const at = lines.findIndex((line) => line.startsWith("SELINUX="));
  const line = lines[at];
  if (line === undefined) return undefined;
  return { value: line.slice("SELINUX=".length).trim(), source: { t: "file", path, line: at + 1, excerpt: line } };
}
