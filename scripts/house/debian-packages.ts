import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A Debian package by one file that tells it is there. */
export type DebianPackage = { readonly name: string; readonly file: string };

/** What a node needs to run containers. */
export const runtimePackages: readonly DebianPackage[] = [
  { name: "conmon", file: "/usr/bin/conmon" },
  { name: "crun", file: "/usr/bin/crun" },
  { name: "runc", file: "/usr/sbin/runc" },
  { name: "containernetworking-plugins", file: "/usr/lib/cni/bridge" },
  { name: "iptables", file: "/usr/sbin/iptables" },
  { name: "iproute2", file: "/usr/sbin/ip" },
  { name: "catatonit", file: "/usr/bin/catatonit" },
];

/** A program to put into a first image. A dynamic busybox that is there already serves too. */
export const busyboxPackages: readonly DebianPackage[] = ["/bin/busybox", "/usr/bin/busybox"].some(existsSync)
  ? []
  : [{ name: "busybox-static", file: "/bin/busybox" }];

/** Peers and tools of the tests and the benchmark. */
export const testPackages: readonly DebianPackage[] = [
  { name: "containerd", file: "/usr/bin/containerd" },
  { name: "docker.io", file: "/usr/sbin/dockerd" },
  { name: "docker-registry", file: "/usr/bin/docker-registry" },
  { name: "skopeo", file: "/usr/bin/skopeo" },
  { name: "umoci", file: "/usr/bin/umoci" },
  { name: "debootstrap", file: "/usr/sbin/debootstrap" },
  { name: "apache2-utils", file: "/usr/bin/htpasswd" },
  { name: "python3-docker", file: "/usr/lib/python3/dist-packages/docker/__init__.py" },
  { name: "python3", file: "/usr/bin/python3" },
  { name: "openssl", file: "/usr/bin/openssl" },
  { name: "attr", file: "/usr/bin/setfattr" },
  { name: "libcap2-bin", file: "/usr/sbin/setcap" },
  { name: "socat", file: "/usr/bin/socat" },
  { name: "tini", file: "/usr/bin/tini" },
  { name: "zstd", file: "/usr/bin/zstd" },
  { name: "xz-utils", file: "/usr/bin/xz" },
  { name: "curl", file: "/usr/bin/curl" },
  { name: "procps", file: "/usr/bin/ps" },
  { name: "chromium", file: "/usr/bin/chromium" },
];

/**
 * Installs those of `packages` that are missing, by apt-get; says so before it does.
 *
 * @throws Error with what to do when this is no Debian, not root, or apt-get fails
 */
export function installPackages(packages: readonly DebianPackage[]): void {
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  if (!existsSync("/usr/bin/apt-get"))
    throw new Error(`these programs are missing and there is no apt-get to install them: ${missing.join(" ")}`);
  if (process.getuid?.() !== 0) throw new Error(`installing ${missing.join(" ")} needs root: run this with sudo`);
  console.error(`installing Debian packages: ${missing.join(" ")}`);
  aptGet(["update", "-qq"]);
  aptGet(["install", "-y", "-qq", "--no-install-recommends", ...missing]);
  const still = packages.filter(({ file }) => !existsSync(file));
  if (still.length > 0)
    throw new Error(`installed, but not found: ${still.map(({ name, file }) => `${file} (${name})`).join(", ")}`);
}

function aptGet(args: string[]): void {
  const run = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    // A service that a package would start is not wanted: tests start their own.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
  if (run.status !== 0)
    throw new Error(`apt-get ${args[0]} failed:\n${run.stdout.slice(-1000)}${run.stderr.slice(-2000)}`);
}
