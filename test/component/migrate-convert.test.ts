import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openCriConnection } from "#clients/cri/cri-connection.ts";
import { convert } from "#migrate/convert/convert.ts";
import type { Conversion } from "#migrate/convert/conversion.ts";
import { parseContainerdVersion } from "#migrate/containerd-config/config-version.ts";
import { containerdSpec, ferrySpec, type TargetSpec } from "#migrate/convert/target-spec.ts";
import { writeConversion } from "#migrate/convert/write-conversion.ts";
import { testCall } from "../support/call.ts";
import { containerdBinary, containerdVersion, runContainerd } from "../support/containerd.ts";
import { command, startDaemon, unmountBelow } from "../support/processes.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Between them, all that is written into a runtime's own file. */
const cases = [
  "{}",
  `{"exec-opts": ["native.cgroupdriver=systemd"], "storage-driver": "overlay2", "data-root": "/data/docker",
    "registry-mirrors": ["https://mirror.example"], "insecure-registries": ["r.example:5000"],
    "runtimes": {"nvidia": {"path": "runc", "runtimeArgs": ["--debug"]}},
    "default-runtime": "nvidia", "max-concurrent-downloads": 7, "oom-score-adjust": 100}`,
  `{"debug": true, "log-format": "json", "storage-driver": "vfs", "metrics-addr": "127.0.0.1:0",
    "selinux-enabled": false, "runtimes": {"shim": {"runtimeType": "io.containerd.runc.v2"}},
    "features": {"cdi": true}, "cdi-spec-dirs": ["/etc/cdi"], "default-ulimits": {"nofile": {"Soft": 1, "Hard": 2}}}`,
];

/** What a node may have already: Docker's package ships the first. */
const older = [
  'disabled_plugins = ["cri"]\n',
  `version = 2
[grpc]
address = "/run/containerd/containerd.sock"
[ttrpc]
address = ""
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.test/pause:3.9"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = true
`,
];

test("what is written for containerd is loaded without a new warning, its CRI among it", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, containerdBinary)) return;
  const spec = containerdSpec(parseContainerdVersion(await containerdVersion()));
  const usual = await runContainerd(`version = ${spec.configVersion}\n`);
  const bases = [undefined, ...older, await command([containerdBinary, "config", "default"])];
  for (const [at, base] of bases.entries()) {
    for (const text of base === undefined ? cases : cases.slice(1)) {
      const run = await runContainerd(fileOf(convertText(text, spec, base), spec.configFile), assertServed);
      assert.deepEqual(
        [...run.complaints].filter((line) => !usual.complaints.has(line)),
        [],
        `${at}: ${text}`,
      );
      assert.ok(run.hasStarted);
    }
  }
});

test("ferryd starts with what is written for it", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "runc", "conmon", "containerd-shim-runc-v2")) return;
  for (const text of cases.slice(1)) {
    await using directory = await temporaryDirectory("convert");
    await writeConversion(convertText(text, ferrySpec), directory.path);
    const config = join(directory.path, ferrySpec.configFile);
    // Other files are where they would be on the host, but below the directory; this machine has no systemd.
    const own = (await readFile(config, "utf8")).replace("/usr/local/sbin", join(directory.path, "usr/local/sbin"));
    await writeFile(config, own.replace('"systemd"', '"cgroupfs"'));
    const log = join(directory.path, "log");
    {
      const argv = ["bin/ferryd", "--config", config];
      const places = ["--root", join(directory.path, "r"), "--state", join(directory.path, "s")];
      const ready = async () => (await readFile(log, "utf8")).includes('"message":"ready"');
      await using _daemon = await startDaemon([...argv, ...places], ready, { log: openSync(log, "w") });
    }
    await unmountBelow(directory.path);
    assert.doesNotMatch(await readFile(log, "utf8"), /"level":"(warn|error)"/);
  }
});

/** To kubelets, and to the shims of pods. */
async function assertServed(socket: string): Promise<void> {
  using cri = await openCriConnection(testCall(), socket);
  assert.equal(cri.runtimeName, "containerd");
  await access(`${socket}.ttrpc`);
}

/** `base`: what containerd was told before. */
function convertText(text: string, spec: TargetSpec, base?: string): Conversion {
  const daemonJson = { path: "/etc/docker/daemon.json", text };
  const host = { daemonJson, certificates: [], logins: [], kubelet: {}, images: [], cgroupVersion: 1 } as const;
  const containerdConfig = base === undefined ? {} : { containerdConfig: { path: spec.configFile, text: base } };
  return convert({ ...host, ...containerdConfig }, spec);
}

function fileOf({ files }: Conversion, path: string): string {
  return files.find((file) => file.path === path)?.content ?? "";
}
