import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { parse } from "smol-toml";
import { parseRelease } from "#migrate/assess/runtime-support.ts";
import type { Finding } from "#migrate/assess/finding.ts";
import { containerdConfigVersion, parseContainerdVersion } from "#migrate/containerd-config/config-version.ts";
import { diagnose } from "#migrate/containerd-config/diagnose.ts";
import { migrateContainerdConfig } from "#migrate/containerd-config/migrate-config.ts";
import { parseContainerdConfig } from "#migrate/containerd-config/parse-config.ts";
import { containerdBinary, containerdVersion, runContainerd } from "../support/containerd.ts";
import { command } from "../support/processes.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const cri = 'plugins."io.containerd.grpc.v1.cri"';
const images = 'plugins."io.containerd.cri.v1.images"';
const runtime = 'plugins."io.containerd.cri.v1.runtime"';

/** Each is refused, or warned of, by containerd itself; of a blocker the doctor has its very words. */
const wrong: Readonly<Record<"any" | "since 2.0" | "since 2.1", readonly string[]>> = {
  any: [
    `version = 2\ndisabled_plugins = ["cri"]`,
    `version = 2\n[${cri}.registry]\nconfig_path = "/x"\n[${cri}.registry.mirrors."docker.io"]\nendpoint = ["https://x"]`,
    `version = 2\n[${cri}.containerd]\ndefault_runtime_name = "x"`,
    `version = 2\n[${cri}.containerd]\nsnapshotter = "nope"\n[${cri}.containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"`,
    `version = 2\n[${cri}]\nstream_idle_timeout = "4x"`,
    `version = 2\n[${cri}]\nmax_concurrent_downloads = "3"`,
  ],
  "since 2.0": [
    `version = 5`,
    `version = 3\n[${images}.registry]\nconfig_path = "/x"\n[${images}.registry.mirrors."docker.io"]\nendpoint = ["https://x"]`,
    `version = 3\n[${images}]\nsnapshotter = "nope"`,
    `version = 3\n[${images}]\nimage_pull_progress_timeout = "4x"`,
    `version = 3\n[${runtime}.containerd]\ndefault_runtime_name = "x"`,
    `version = 3\n[${runtime}]\ndrain_exec_sync_io_timeout = "4x"`,
    `version = 3\n[${runtime}]\nenable_selinux = "no"`,
  ],
  "since 2.1": [`version = 3\n[${runtime}.cni]\nbin_dir = "/a"\nbin_dirs = ["/b"]`],
};

test("what the doctor predicts is what containerd says", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, containerdBinary)) return;
  const [major, minor] = await release();
  const isSince = (since: number) => major > 2 || (major === 2 && minor >= since);
  const texts = [...wrong.any, ...(isSince(0) ? wrong["since 2.0"] : []), ...(isSince(1) ? wrong["since 2.1"] : [])];
  for (const text of texts) {
    const [first] = await findings(text);
    assert.equal(first?.severity, "blocker", text);
    const words = first.why.replace(
      /^(the CRI plugin does not load|containerd ends|containerd does not start.*): /,
      "",
    );
    const said = [...(await runContainerd(text)).complaints].join("\n");
    assert.match(said, first.check === "containerd-key-type" ? /[cC]an(no|')t (convert|decode)/ : escaped(words), said);
  }
});

test("the doctor finds nothing in what containerd writes itself", async (t) => {
  if (!requireBinary(t, containerdBinary)) return;
  const found = await findings(await command([containerdBinary, "config", "default"]));
  assert.deepEqual(
    found.filter(({ check }) => !check.startsWith("cni-")),
    [],
  );
});

/** As people have it, with all that containerd's own migration carries over. */
const whole = `version = 2
root = "/data/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "/run/c.sock"
gid = 12
max_recv_message_size = 16777217
[ttrpc]
address = ""
uid = 0
gid = 0
[debug]
level = "info"
address = "/run/debug.sock"
uid = 3
[metrics]
address = "127.0.0.1:1338"
grpc_histogram = true
[timeouts]
"io.containerd.timeout.shim.cleanup" = "7s"
[plugins."io.containerd.gc.v1.scheduler"]
pause_threshold = 0.03
[plugins."io.containerd.internal.v1.restart"]
interval = "11s"
[plugins."io.containerd.monitor.v1.cgroups"]
no_prometheus = true
[plugins."io.containerd.snapshotter.v1.overlayfs"]
root_path = "/data/overlay"
[${cri}]
sandbox_image = "registry.test/pause:3.9"
stream_server_address = "127.0.0.2"
max_concurrent_downloads = 5
max_container_log_line_size = 1000
restrict_oom_score_adj = true
enable_unprivileged_ports = true
cdi_spec_dirs = ["/etc/cdi"]
image_pull_progress_timeout = "6m0s"
ignore_image_defined_volumes = true
[${cri}.cni]
bin_dir = "/opt/x/bin"
conf_dir = "/etc/x/net.d"
max_conf_num = 2
[${cri}.registry]
config_path = "/etc/containerd/certs.d"
[${cri}.image_decryption]
key_model = "node"
[${cri}.containerd]
snapshotter = "native"
discard_unpacked_layers = true
default_runtime_name = "nvidia"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = true
[${cri}.containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"
privileged_without_host_devices = true
pod_annotations = ["x.*"]
cni_conf_dir = "/etc/cni/y"
sandbox_mode = "podsandbox"
[${cri}.containerd.runtimes.nvidia.options]
BinaryName = "/usr/bin/nvidia-container-runtime"
`;

test("a configuration in a later version says what the old one said, to containerd itself", async (t) => {
  if (!requireBinary(t, containerdBinary)) return;
  const newest = containerdConfigVersion(parseContainerdVersion(await containerdVersion()));
  if (newest === 2) return t.skip("needs containerd 2: FERRY_TEST_CONTAINERD names one");
  const expected = await understood(whole);
  for (const to of newest === 4 ? ([3, 4] as const) : ([3] as const)) {
    // containerd 2.0 has one directory of plugins only.
    const hasBinDirs = (await release())[1] > 0;
    const config = parseContainerdConfig({ path: "config.toml", text: whole });
    assert.deepEqual(await understood(migrateContainerdConfig(config, { to, hasBinDirs }).text), expected, `to ${to}`);
  }
});

/** What containerd makes of a configuration, its defaults added. */
async function understood(text: string): Promise<unknown> {
  await using directory = await temporaryDirectory("containerd-config");
  const path = join(directory.path, "config.toml");
  await writeFile(path, text);
  return parse(await command([containerdBinary, "--config", path, "config", "dump"]));
}

async function release() {
  const found = parseRelease(await containerdVersion());
  assert.ok(found !== undefined);
  return found;
}

async function findings(text: string): Promise<Finding[]> {
  const config = parseContainerdConfig({ path: "config.toml", text });
  const known = {
    path: "config.toml",
    config,
    files: [config],
    present: new Set<string>(),
    environment: {},
    kubelet: {},
  };
  const cni = { directory: "/etc/cni/net.d", files: [], binDirectories: [], plugins: new Set<string>() };
  const source = { t: "system", what: "containerd --version" } as const;
  return diagnose({ ...known, cni, release: { value: await release(), source } });
}

function escaped(words: string): RegExp {
  return new RegExp(RegExp.escape(words));
}
