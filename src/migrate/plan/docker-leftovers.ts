import type { DockerFacts } from "../host/read-docker.ts";
import type { PackageManager } from "../host/read-os.ts";
import type { Residue, StepAction } from "./step.ts";

/** Chains that Docker makes, those that jump to others first. `DOCKER-USER` is not among them: its rules are people's. */
const filterChains = [
  "DOCKER-FORWARD",
  "DOCKER-ISOLATION-STAGE-1",
  "DOCKER-ISOLATION-STAGE-2",
  "DOCKER-BRIDGE",
  "DOCKER-CT",
  "DOCKER-INTERNAL",
  "DOCKER",
];

/** What stays in the kernel and in files after Docker has ended. */
export function dockerResidue(): Residue[] {
  return [
    { t: "link", name: "docker0" },
    ...filterChains.map((name) => ({ t: "chain", table: "filter", name }) as const),
    { t: "chain", table: "nat", name: "DOCKER" },
    { t: "path", path: "/var/lib/dockershim" },
    { t: "path", path: "/run/dockershim.sock" },
  ];
}

/** `containerd.io` and `containerd` are not among them, though Docker brought them: the new runtime may be that one. */
const packages: Readonly<Record<PackageManager, readonly string[]>> = {
  apt: [
    "docker-ce",
    "docker-ce-cli",
    "docker-ce-rootless-extras",
    "docker-compose-plugin",
    "docker-buildx-plugin",
    "docker.io",
    "docker-cli",
    "cri-dockerd",
  ],
  dnf: [
    "docker-ce",
    "docker-ce-cli",
    "docker-ce-rootless-extras",
    "docker-compose-plugin",
    "docker-buildx-plugin",
    "docker",
    "moby-engine",
    "cri-dockerd",
  ],
  yum: [
    "docker-ce",
    "docker-ce-cli",
    "docker-ce-rootless-extras",
    "docker-compose-plugin",
    "docker",
    "docker-ee",
    "cri-dockerd",
  ],
  zypper: ["docker", "docker-buildx", "docker-compose", "cri-dockerd"],
  none: [],
};

/** What the purge takes away, for good. */
export function dockerPurge(docker: DockerFacts, manager: PackageManager): StepAction & { kind: "purge" } {
  const dataRoot = docker.dataRoot.value;
  // A data root like `/` or `/data` may hold what is not Docker's.
  const isOwn = /^\/[^/]+\/.+/.test(dataRoot) && /docker/.test(dataRoot);
  const paths = [...(isOwn ? [dataRoot] : []), "/etc/docker", "/var/lib/dockershim", "/var/lib/cri-dockerd"];
  return { kind: "purge", manager, packages: packages[manager], paths };
}
