import assert from "node:assert/strict";
import test from "node:test";
import { decodeConfig, formatConfig } from "./config.ts";

test("an empty file is the defaults, and printing them is reading them", () => {
  const { config, warnings } = decodeConfig("");
  assert.deepEqual(warnings, []);
  assert.equal(config.daemon.root, "/var/lib/ferry");
  for (const docs of [true, false])
    assert.deepEqual(decodeConfig(formatConfig(config, docs)), { config, warnings: [] });
});

test("what the file says counts, what it does not know is a warning with its path", () => {
  const { config, warnings } = decodeConfig(`
version = 1
colour = "blue"
[images]
max_downloads = 7
max_uploads = 8
[runtime.handlers]
kata = "/opt/kata/bin/kata-runtime"
`);
  assert.equal(config.images.maxDownloads, 7);
  assert.deepEqual(config.runtime.handlers, { kata: "/opt/kata/bin/kata-runtime" });
  assert.deepEqual(warnings, ["config: colour: not known", "config: images.max_uploads: not known"]);
  assert.throws(() => Object.assign(config.images, { maxDownloads: 1 }), TypeError);
});

test("a bad value is refused with its path", () => {
  const table: [source: string, message: RegExp][] = [
    ["[images]\nmax_downloads = 0", /^config: images\.max_downloads: must be a whole number from 1$/],
    ['[images]\nmax_downloads = "3"', /max_downloads: must be a whole number/],
    ['[daemon]\nlog_level = "loud"', /^config: daemon\.log_level: must be one of "debug"/],
    ["[network]\nplugin_directories = [1]", /plugin_directories: must be a list of strings/],
    ['[cri]\nstream_idle_timeout = "soon"', /^config: cri\.stream_idle_timeout: must be a duration such as/],
    ["[cri]\nmax_container_log_line_size = 100", /max_container_log_line_size: must be a whole number from 8192/],
    ['[cri]\ncni_ip_pref = "ipx"', /cni_ip_pref: must be one of/],
    ["[network]\nipv6 = 1", /ipv6: must be true or false/],
    ["daemon = 3", /^config: daemon: must be a table$/],
    ["version = 2", /^config: version 2 is not known/],
    ["[daemon", /^config: /],
  ];
  for (const [source, message] of table) assert.throws(() => decodeConfig(source), { message });
});

test("runtime handlers by containerd's names, printed as they are read", () => {
  const { config, warnings } = decodeConfig(`
[runtimes.runc]
runtime_type = "io.containerd.runc.v2"
pod_annotations = []
[runtimes.runc.options]
BinaryName = "/usr/sbin/runc"
SystemdCgroup = false
Root = ""
[runtimes.youki]
runtime_type = "conmon"
`);
  const options = { binaryName: "/usr/sbin/runc", systemdCgroup: false };
  assert.deepEqual(config.runtimes, {
    runc: { runtimeType: "io.containerd.runc.v2", options },
    youki: { runtimeType: "conmon", options: {} },
  });
  assert.deepEqual(warnings, ["config: runtimes.runc.pod_annotations: not known"]);
  for (const docs of [true, false])
    assert.deepEqual(decodeConfig(formatConfig(config, docs)), { config, warnings: [] });
  const bad = [
    ["[runtimes.x]", /runtimes\.x\.runtime_type: must be a string/],
    ['[runtimes.x]\nruntime_type = "conmon"\noptions = 1', /runtimes\.x\.options: must be a table/],
    ['[runtimes.x]\nruntime_type = "y.z"\noptions.SystemdCgroup = 1', /SystemdCgroup: must be true or false/],
  ] as const;
  for (const [source, message] of bad) assert.throws(() => decodeConfig(source), { message });
});
