import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { silentLogger } from "#base/logger.ts";
import { openConmonRuntime } from "#drivers/runtime-conmon/conmon-runtime.ts";
import { testCall } from "#test/support/call.ts";
import { findBinary, requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { defaultContainerConfig } from "../default-container-config.ts";
import { findHostDevices } from "./find-devices.ts";
import { readHostFacts } from "./host-facts.ts";
import type { SpecFacts } from "./spec-facts.ts";
import { toOciSpec } from "./to-oci-spec.ts";

const config: ContainerConfig = {
  ...defaultContainerConfig,
  args: ["true"],
  env: ["A=b"],
  hostname: "host1",
  shmSizeBytes: 1_048_576,
};

const facts: SpecFacts = {
  containerId: "c0ffee" as ContainerId,
  host: {
    arch: "x64",
    kernel: { major: 6, minor: 1 },
    capabilities: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"],
    cgroupVersion: 1,
    seccomp: true,
    apparmor: false,
    swapLimit: true,
    sysctls: new Set(["net.ipv4.ip_unprivileged_port_start"]),
    maskedPaths: [],
  },
  runtime: { cgroupDriver: "cgroupfs", recursiveReadOnly: true },
  rootPath: "/root",
  user: { uid: 0, gid: 0, additionalGids: [0], home: "/root" },
  linuxNamespacePaths: {},
  etcFiles: {},
  volumePaths: new Map(),
  devices: [],
  blockDevices: new Map(),
  defaultCgroupParent: "/ferry",
};

const bounding = (change: Partial<ContainerConfig>) =>
  toOciSpec({ ...config, ...change }, facts).process.capabilities?.bounding;

test("capabilities: defaults, add, drop, ALL both ways, never more than the host has", () => {
  assert.deepEqual(bounding({}), ["CAP_CHOWN", "CAP_KILL"]);
  assert.deepEqual(bounding({ capabilities: { add: ["net_admin"], drop: ["CAP_KILL"] } }), [
    "CAP_CHOWN",
    "CAP_NET_ADMIN",
  ]);
  assert.deepEqual(bounding({ capabilities: { add: ["ALL"], drop: ["SYS_ADMIN"] } }), [
    "CAP_CHOWN",
    "CAP_KILL",
    "CAP_NET_ADMIN",
  ]);
  assert.deepEqual(bounding({ capabilities: { add: ["kill"], drop: ["all"] } }), ["CAP_KILL"]);
  assert.deepEqual(bounding({ privileged: true }), facts.host.capabilities);
  assert.throws(() => bounding({ capabilities: { add: ["nope"], drop: [] } }), /unknown capability: "nope"/);
  assert.throws(() => bounding({ capabilities: { add: ["BPF"], drop: [] } }), /not supported by your kernel/);
  const user = { ...facts.user, uid: 5 };
  assert.deepEqual(toOciSpec(config, { ...facts, user }).process.capabilities?.effective, []);
});

test("environment: defaults first, each replaced or taken away by the config", () => {
  const env = (change: Partial<ContainerConfig>) => toOciSpec({ ...config, ...change }, facts).process.env;
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  assert.deepEqual(env({}), [path, "HOSTNAME=host1", "HOME=/root", "A=b"]);
  assert.deepEqual(env({ tty: true, env: ["PATH=/x", "TERM"] }), ["PATH=/x", "HOSTNAME=host1", "HOME=/root"]);
});

test("resources: Docker's rules for CPU and swap", () => {
  const limits = (resources: ContainerConfig["resources"]) => {
    const { devices: _devices, ...rest } = toOciSpec({ ...config, resources }, facts).linux.resources ?? {};
    return rest;
  };
  assert.deepEqual(limits({}), {});
  assert.deepEqual(limits({ nanoCpus: 1_500_000_000 }), { cpu: { quota: 150_000, period: 100_000 } });
  assert.deepEqual(limits({ memoryBytes: 10 }), { memory: { limit: 10, swap: 20 } });
  assert.deepEqual(limits({ memoryBytes: 10, memorySwapBytes: -1 }), { memory: { limit: 10, swap: -1 } });
  assert.deepEqual(limits({ pidsLimit: 0 }), { pids: { limit: -1 } });
  assert.throws(() => limits({ blkioReadBps: [{ path: "/dev/x", rate: 1 }] }), /\/dev\/x: no such block device/);
});

test("cgroup paths in both drivers' forms", () => {
  const path = (cgroupDriver: "cgroupfs" | "systemd", cgroupParent: string) =>
    toOciSpec({ ...config, cgroupParent }, { ...facts, runtime: { ...facts.runtime, cgroupDriver } }).linux.cgroupsPath;
  assert.equal(path("cgroupfs", ""), "/ferry/c0ffee");
  assert.equal(path("cgroupfs", "kubepods/pod1/"), "/kubepods/pod1/c0ffee");
  assert.equal(path("systemd", "/kubepods.slice/kubepods-pod1.slice"), "kubepods-pod1.slice:ferry:c0ffee");
  assert.throws(() => path("systemd", "/plain"), /valid slice/);
});

test("mounts: a person's replaces the usual one, parents come first, tmpfs options undo the defaults", () => {
  const bind = (destination: string, propagation: "rprivate" | "rslave" | "shared" = "rprivate") =>
    ({
      t: "bind",
      source: "/s",
      destination,
      readOnly: false,
      recursiveReadOnly: false,
      nonRecursive: false,
      propagation,
      createSource: false,
    }) as const;
  const spec = (mounts: ContainerConfig["mounts"]) => toOciSpec({ ...config, mounts }, facts);
  const destinations = spec([bind("/a/b"), bind("/dev"), bind("/a")]).mounts.map(({ destination }) => destination);
  assert.deepEqual(destinations, ["/proc", "/sys", "/sys/fs/cgroup", "/dev", "/a", "/a/b"]);
  assert.equal(spec([bind("/a", "rslave")]).linux.rootfsPropagation, "rslave");
  assert.equal(spec([bind("/a", "rslave"), bind("/b", "shared")]).linux.rootfsPropagation, "shared");
  const tmpfs = spec([{ t: "tmpfs", destination: "/t", options: ["exec", "size=1m"] }]).mounts.at(-1);
  assert.deepEqual(tmpfs?.options, ["nosuid", "nodev", "rprivate", "exec", "size=1m"]);
});

test("what the daemon may not raise is clamped", () => {
  const host = { ...facts.host, rlimitCeilings: { RLIMIT_NOFILE: 100 }, oomScoreFloor: 0 };
  const change = { oomScoreAdj: -500, rlimits: [{ name: "nofile", soft: 50, hard: 1000 }] };
  const { process } = toOciSpec({ ...config, ...change }, { ...facts, host });
  assert.deepEqual(process.rlimits, [{ type: "RLIMIT_NOFILE", soft: 50, hard: 100 }]);
  assert.equal(process.oomScoreAdj, 0);
  assert.equal(toOciSpec({ ...config, ...change }, facts).process.oomScoreAdj, -500);
});

for (const name of ["crun", "runc"]) {
  test(`${name} runs a container of the default spec, confined`, async (t) => {
    const output = await runReal(
      t,
      name,
      {},
      "id; hostname; grep -E '^(Cap(Bnd|Eff)|NoNewPrivs|Seccomp):' /proc/self/status; grep -c . /proc/interrupts; touch /proc/sys/kernel/domainname /sys/x /t/x; mount | grep -E ' /(sys|dev/shm|t) '; ulimit -n; echo $A $HOME",
    );
    if (output === undefined) return;
    assert.match(output, /uid=0 gid=0/);
    assert.match(output, /^host1$/m);
    assert.match(output, /^CapBnd:\s+00000000a80425fb$/m);
    assert.match(output, /^Seccomp:\s+2$/m);
    assert.match(output, /^0$/m);
    assert.match(output, /\/proc\/sys\/kernel\/domainname: Read-only file system/);
    assert.match(output, /\/sys\/x: Read-only file system/);
    assert.match(output, /shm on \/dev\/shm .*size=1024k/);
    assert.match(output, /tmpfs on \/t .*noexec/);
    assert.match(output, /^64$/m);
    assert.match(output, /^b \/$/m);
  });

  test(`${name} runs a privileged container, with init, everybody's devices and a read-only root`, async (t) => {
    const change = { privileged: true, init: true, rootReadOnly: true, noNewPrivileges: true, mounts: [] };
    const output = await runReal(
      t,
      name,
      change,
      "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; ls /dev/loop0 /dev/kmsg; tr '\\0' ' ' < /proc/1/cmdline; touch /x",
    );
    if (output === undefined) return;
    assert.match(output, /^NoNewPrivs:\s+1$/m);
    assert.match(output, /^Seccomp:\s+0$/m);
    assert.match(output, /^\/dev\/kmsg$/m);
    assert.match(output, /\/sbin\/docker-init -- sh -c/);
    assert.match(output, /\/x: Read-only file system/);
  });
}

/** What a shell in a real container prints; undefined when this machine cannot run one. */
async function runReal(
  t: TestContext,
  name: string,
  change: Partial<ContainerConfig>,
  script: string,
): Promise<string | undefined> {
  if (!requireRoot(t) || !requireBinary(t, "conmon", name, "busybox", "catatonit")) return undefined;
  await using directory = await temporaryDirectory(`spec-${name}`);
  const root = join(directory.path, "root");
  for (const folder of ["bin", "proc", "dev", "sys", "t", "sbin", "etc"])
    await mkdir(join(root, folder), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "id", "hostname", "grep", "touch", "mount", "ls", "tr"])
    await symlink("busybox", join(root, "bin", applet));
  await writeFile(join(directory.path, "hosts"), "127.0.0.1 localhost\n");
  const call = testCall({ namespace: "spec", signal: AbortSignal.timeout(240_000) });
  const stateDirectory = join(directory.path, "state");
  using runtime = await openConmonRuntime(call, {
    stateDirectory,
    log: silentLogger,
    handlers: { [name]: { path: name } },
  });
  const whole: ContainerConfig = {
    ...config,
    args: ["sh", "-c", `(${script}) 2>&1`],
    mounts: [{ t: "tmpfs", destination: "/t", options: ["size=1m"] }],
    rlimits: [{ name: "nofile", soft: 64, hard: 64 }],
    ...change,
  };
  const privileged = whole.privileged;
  const initPath = findBinary("catatonit");
  const real: SpecFacts = {
    ...facts,
    host: await readHostFacts(),
    rootPath: root,
    user: { ...facts.user, home: "/" },
    etcFiles: { hosts: join(directory.path, "hosts") },
    devices: privileged ? await findHostDevices() : [],
    defaultCgroupParent: "/ferry-spec-test",
    ...(initPath !== undefined && { initPath }),
  };
  const logPath = join(directory.path, "log");
  const ref = { namespace: call.namespace, containerId: "c0ffee" as ContainerId };
  const task = await runtime.create(call, { ...ref, spec: toOciSpec(whole, real), stdin: "none", logPath });
  try {
    await task.start(call);
    await task.wait(call);
  } finally {
    await task.delete(call, { force: true });
  }
  return (await readFile(logPath, "utf8")).replace(/^\S+ \S+ [FP] /gm, "");
}
