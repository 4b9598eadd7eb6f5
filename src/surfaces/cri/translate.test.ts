import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { parseNamespace } from "#core/call.ts";
import { LinuxContainerResourcesSchema } from "#gen/runtime/v1/common_pb.ts";
import { MountPropagation, MountSchema, Signal } from "#gen/runtime/v1/containers_pb.ts";
import { AuthConfigSchema } from "#gen/runtime/v1/images_pb.ts";
import { PodSandboxConfigSchema, type Protocol } from "#gen/runtime/v1/sandboxes_pb.ts";
import {
  LinuxContainerSecurityContextSchema,
  NamespaceMode,
  SecurityProfile_ProfileType,
} from "#gen/runtime/v1/security_pb.ts";
import { canonicalNames } from "./image-names.ts";
import { toRegistryAuth } from "./pull-image.ts";
import { toMounts } from "./to-mounts.ts";
import { toResources } from "./to-resources.ts";
import { toPodIdentity, toSandboxConfig } from "./to-sandbox-config.ts";
import { toSecurity } from "./to-security.ts";
import { fromSignal, toSignal } from "./to-signal.ts";
import { UsageCache } from "./usage-cache.ts";

const settings = {
  version: "0",
  namespace: parseNamespace("k8s.io"),
  sandboxImage: "",
  unprivilegedPorts: true,
  unprivilegedIcmp: false,
  streamAddress: "",
  streamPort: 0,
  streamIdleTimeoutMs: 0,
  streamCreationTimeoutMs: 0,
};
const ports = { "net.ipv4.ip_unprivileged_port_start": "0" };

test("a pod's linux namespaces are as its options say; without options all but the host's are the pod's", () => {
  const modes = (options?: { network?: NamespaceMode; pid?: NamespaceMode; ipc?: NamespaceMode }) => {
    const linux = options === undefined ? {} : { securityContext: { namespaceOptions: options } };
    const config = toSandboxConfig(create(PodSandboxConfigSchema, { hostname: "h", linux }), settings);
    return { ...config.linuxNamespaces, hostname: config.hostname, sysctls: config.sysctls };
  };
  const { POD, CONTAINER, NODE } = NamespaceMode;
  assert.deepEqual(modes(), { network: "pod", ipc: "pod", pid: "pod", hostname: "h", sysctls: ports });
  const own = { network: "pod", ipc: "pod", pid: "container", hostname: "h", sysctls: ports };
  assert.deepEqual(modes({ network: POD, ipc: POD, pid: CONTAINER }), own);
  const host = { network: "host", ipc: "host", pid: "host", hostname: "", sysctls: {} };
  assert.deepEqual(modes({ network: NODE, ipc: NODE, pid: NODE }), host);
});

test("a user namespace is the pod's own, with one range from 0", () => {
  const from = (usernsOptions: object) =>
    toSandboxConfig(
      create(PodSandboxConfigSchema, { linux: { securityContext: { namespaceOptions: { usernsOptions } } } }),
      settings,
    ).idMappings;
  const { POD, NODE, CONTAINER, TARGET } = NamespaceMode;
  const range = { hostId: 65536, containerId: 0, length: 65536 };
  const mapping = { hostId: 65536, containerId: 0, size: 65536 };
  assert.deepEqual(from({ mode: POD, uids: [range], gids: [range] }), { uids: [mapping], gids: [mapping] });
  assert.equal(from({ mode: NODE }), undefined);
  for (const wrong of [
    { mode: CONTAINER },
    { mode: TARGET },
    { mode: POD },
    { mode: POD, uids: [range, range], gids: [range] },
    { mode: POD, uids: [range], gids: [{ ...range, length: 1 }] },
    { mode: POD, uids: [{ ...range, containerId: 1 }], gids: [{ ...range, containerId: 1 }] },
    { mode: POD, uids: [{ ...range, length: 0 }], gids: [{ ...range, length: 0 }] },
  ]) {
    assert.throws(() => from(wrong), { kind: "invalidArgument", message: /^user namespace: / });
  }
});

test("what a pod cannot have is refused by its name", () => {
  const port = create(PodSandboxConfigSchema, { portMappings: [{ protocol: 9 as Protocol }] });
  assert.throws(() => toSandboxConfig(port, settings), { kind: "invalidArgument" });
  assert.throws(() => toPodIdentity(create(PodSandboxConfigSchema)), { kind: "invalidArgument" });
});

test("limits: 0 is not said, memory without a swap limit has no swap", () => {
  const from = (init: object) => toResources(create(LinuxContainerResourcesSchema, init));
  assert.deepEqual(from({}), {});
  assert.deepEqual(toResources(undefined), {});
  assert.deepEqual(from({ memoryLimitInBytes: 10n }), { memoryBytes: 10, memorySwapBytes: 10 });
  assert.deepEqual(from({ memoryLimitInBytes: 10n, memorySwapLimitInBytes: 15n }), {
    memoryBytes: 10,
    memorySwapBytes: 15,
  });
  assert.deepEqual(from({ cpuQuota: -1n, cpuShares: 2n, hugepageLimits: [{ pageSize: "2MB", limit: 4n }] }), {
    cpuQuotaUs: -1,
    cpuShares: 2,
    hugepages: [{ pageSize: "2MB", limitBytes: 4 }],
  });
});

const paths = {
  directory: "/d",
  hosts: "/d/hosts",
  hostname: "/d/hostname",
  resolvConf: "/d/resolv.conf",
  stateDirectory: "/s",
  shm: "/s/shm",
  pauseRoot: "/s/pause",
};

test("the kubelet's mounts go before the pod's own files", () => {
  const mount = create(MountSchema, {
    containerPath: "/etc/hosts",
    hostPath: "/var/lib/kubelet/hosts",
    propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  });
  const found = toMounts([mount], paths, { rootReadOnly: true }).map((it) =>
    it.t === "bind" ? [it.source, it.destination, it.readOnly, it.propagation] : [],
  );
  assert.deepEqual(found, [
    ["/d/hostname", "/etc/hostname", true, "rprivate"],
    ["/d/resolv.conf", "/etc/resolv.conf", true, "rprivate"],
    ["/s/shm", "/dev/shm", false, "rprivate"],
    ["/var/lib/kubelet/hosts", "/etc/hosts", false, "rslave"],
  ]);
});

test("mounts that make no sense are refused", () => {
  const bad = [
    {},
    { containerPath: "/a" },
    { containerPath: "/a", hostPath: "/b", recursiveReadOnly: true },
    { containerPath: "/a", image: { image: "x" } },
    { containerPath: "/a", image: { image: "x" }, readonly: true, hostPath: "/b" },
    { containerPath: "/a", image: { image: "x" }, readonly: true, imageSubPath: "a/../../b" },
  ];
  for (const init of bad)
    assert.throws(() => toMounts([create(MountSchema, init)], paths, { rootReadOnly: false }), {
      kind: "invalidArgument",
    });
});

test("users, profiles and paths", async () => {
  const from = async (init: object | undefined, user = "app") =>
    await toSecurity(init && create(LinuxContainerSecurityContextSchema, init), { user }, { apparmor: false });
  assert.equal((await from(undefined)).user, "app");
  assert.equal((await from({ runAsUser: { value: 0n } })).user, "0");
  assert.equal((await from({ runAsUser: { value: 7n }, runAsGroup: { value: 8n } })).user, "7:8");
  assert.equal((await from({ runAsUsername: "web", runAsGroup: { value: 8n } })).user, "web:8");
  await assert.rejects(from({ runAsGroup: { value: 8n } }), { kind: "invalidArgument" });
  assert.deepEqual((await from({})).seccomp, { t: "unconfined" });
  assert.deepEqual((await from({ seccompProfilePath: "runtime/default" })).seccomp, { t: "default" });
  const { RuntimeDefault, Localhost } = SecurityProfile_ProfileType;
  assert.deepEqual((await from({ seccomp: { profileType: RuntimeDefault } })).seccomp, { t: "default" });
  assert.deepEqual((await from({ seccomp: { profileType: RuntimeDefault }, privileged: true })).seccomp, {
    t: "unconfined",
  });
  for (const localhostRef of ["relative.json", "/no/such/file.json"])
    await assert.rejects(from({ seccomp: { profileType: Localhost, localhostRef } }), { kind: "invalidArgument" });
  for (const localhost of [
    { apparmor: { profileType: Localhost, localhostRef: "localhost/p" } },
    { apparmorProfile: "localhost/p" },
  ]) {
    await assert.rejects(from(localhost), {
      kind: "invalidArgument",
      message: /^AppArmor profile "p": AppArmor is not/,
    });
  }
  await assert.rejects(from({ apparmorProfile: "p" }), { kind: "invalidArgument", message: /"p": not known/ });
  assert.equal((await from({ apparmorProfile: "runtime/default" })).apparmorProfile, undefined);
  assert.equal((await from({ apparmorProfile: "unconfined" })).apparmorProfile, "unconfined");
  const labelled = create(LinuxContainerSecurityContextSchema, { selinuxOptions: { type: "svirt_t", level: "s0" } });
  await toSecurity(labelled, { user: "" }, { apparmor: false, selinux: false });
  await assert.rejects(toSecurity(labelled, { user: "" }, { apparmor: false, selinux: true }), {
    kind: "notImplemented",
    message: "SELinux label ::svirt_t:s0: not supported",
  });
  assert.deepEqual((await from({ maskedPaths: ["/proc/kcore"] })).maskedPaths, ["/proc/kcore"]);
  assert.deepEqual((await from({ maskedPaths: ["/proc/kcore"], privileged: true })).maskedPaths, []);
});

test("signals there and back", () => {
  for (const [signal, name] of [
    [Signal.SIGTERM, "SIGTERM"],
    [Signal.SIGRTMINPLUS3, "SIGRTMIN+3"],
    [Signal.SIGRTMAXMINUS14, "SIGRTMAX-14"],
  ] as const) {
    assert.equal(fromSignal(signal), name);
    assert.equal(toSignal(name), signal);
  }
  assert.equal(fromSignal(Signal.RUNTIME_DEFAULT), undefined);
});

test("credentials in every form that a request may have", () => {
  const from = (init: object) => toRegistryAuth(create(AuthConfigSchema, init));
  const basic = { t: "basic", username: "u", password: "p:w" };
  assert.equal(from({}), undefined);
  assert.deepEqual(from({ username: "u", password: "p:w" }), basic);
  assert.deepEqual(from({ auth: Buffer.from("u:p:w").toString("base64") }), basic);
  assert.deepEqual(from({ identityToken: "i" }), { t: "identity", token: "i" });
  assert.deepEqual(from({ registryToken: "r" }), { t: "bearer", token: "r" });
  assert.throws(() => from({ auth: "bm8=" }), { kind: "invalidArgument" });
});

test("names in full, each repository with its digest", () => {
  const digest = `sha256:${"0".repeat(64)}` as Parameters<typeof canonicalNames>[1];
  const names = ["docker.io/library/a:1", "docker.io/library/a:2", "q.io/b:1"] as Parameters<
    typeof canonicalNames
  >[0][number][];
  assert.deepEqual(canonicalNames(names, digest), {
    repoTags: ["docker.io/library/a:1", "docker.io/library/a:2", "q.io/b:1"],
    repoDigests: [`docker.io/library/a@${digest}`, `q.io/b@${digest}`],
  });
});

test("CPU used per second, from two looks that are apart", () => {
  const cache = new UsageCache();
  const s = 1_000_000_000n;
  assert.equal(cache.nanoCores("a", 10n * s, 5n * s), 0n);
  assert.equal(cache.nanoCores("a", 12n * s, 6n * s), s / 2n);
  assert.equal(cache.nanoCores("a", 12n * s + 1n, 7n * s), s / 2n, "too soon to tell");
  assert.equal(cache.nanoCores("a", 13n * s, 0n), 0n, "began anew");
});
