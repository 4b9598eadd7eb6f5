import assert from "node:assert/strict";
import test from "node:test";
import { hostRootOf } from "#test/support/host-root.ts";
import { playScript } from "#test/support/trace-script.ts";
import { parseRelease } from "../assess/runtime-support.ts";
import { placeText } from "../ledger/ledger.ts";
import { diagnose } from "./diagnose.ts";
import type { DoctorFacts } from "./doctor-facts.ts";
import { parseContainerdConfig } from "./parse-config.ts";
import { readDoctorFacts } from "./read-doctor-facts.ts";

const network = '{"cniVersion":"1.0.0","plugins":[{"type":"bridge","ipam":{"type":"host-local"}}]}';
const sound: DoctorFacts = {
  path: "config.toml",
  files: [],
  kubelet: {},
  present: new Set(["/usr/bin/crun"]),
  environment: {},
  cni: {
    directory: "/etc/cni/net.d",
    files: [{ path: "20-cluster.conflist", text: network }],
    binDirectories: ["/opt/cni/bin"],
    plugins: new Set(["bridge", "host-local", "loopback"]),
  },
};

test("what will go wrong is told, and nothing else", async () => {
  await playScript("containerd-doctor.txt", openDoctor);
});

/**
 * Lines are TOML until `diagnose RELEASE`, which is answered. `kubelet FIELD VALUE`, `cni NAME JSON` and `env NAME` add to
 * what is known.
 */
function openDoctor() {
  const lines: string[] = [];
  let facts = sound;
  const play = (words: readonly string[]): string[] => {
    const [word, first = "", ...rest] = words;
    const source = { t: "system", what: "test" } as const;
    if (word === "kubelet") {
      const value = first === "minor" ? Number(rest[0]) : (rest[0] ?? "");
      facts = { ...facts, kubelet: { ...facts.kubelet, [first]: { value, source } } };
    } else if (word === "cni") {
      const files = [...facts.cni.files, { path: first, text: rest.join(" ") }];
      facts = { ...facts, cni: { ...facts.cni, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) } };
    } else if (word === "env") facts = { ...facts, environment: { [first]: { value: "1", source } } };
    else if (word !== "diagnose") lines.push(words.join(" "));
    else {
      const config = parseContainerdConfig({ path: "config.toml", text: `${lines.join("\n")}\n` });
      const value = parseRelease(first);
      const known = { ...facts, config, files: [config], ...(value !== undefined && { release: { value, source } }) };
      return diagnose(known).map(({ severity, check, title, why, evidence, fix }) => {
        const at = evidence.map((one) => placeText(one).replace("config.toml:", "")).join(", ");
        return `${severity} ${check} [${at}] ${title} | ${why} | ${fix.summary}`;
      });
    }
    return [];
  };
  return { play };
}

test("a host is read, and what cannot be read is told", async () => {
  await using host = await hostRootOf(`
== /etc/containerd/config.toml
version = 2
imports = ["/etc/containerd/conf.d/99-nvidia.toml"]
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/etc/containerd/certs.d"
== /etc/containerd/conf.d/99-nvidia.toml
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
BinaryName = "/usr/bin/nvidia-container-runtime"
SystemdCgroup = true
== /usr/bin/containerd 0755
== /etc/cni/net.d/10-containerd-net.conflist
{"cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}
== /etc/cni/net.d/20-calico.conflist
{"plugins": [{"type": "calico"}]}
== /opt/cni/bin/bridge 0755
== /var/lib/dpkg/status
Package: containerd
Status: install ok installed
Version: 1.6.20~ds1-1
`);
  const checks = diagnose(await readDoctorFacts({ root: host.root })).map(({ check }) => check);
  const usual = ["containerd-binary-absent", "cni-stray-first", "containerd-import-replaces"];
  assert.deepEqual(new Set(checks), new Set([...usual, "containerd-default-runtime"]));
  const later = await readDoctorFacts({ root: host.root, release: "2.3.1" });
  assert.deepEqual(new Set(diagnose(later).map(({ check }) => check)), new Set(usual.slice(0, 2)));
  const broken = await readDoctorFacts({ root: host.root, path: "/etc/cni/net.d/20-calico.conflist" });
  const [first] = diagnose(broken);
  assert.equal(first?.check, "containerd-config-unreadable");
  assert.deepEqual(first?.evidence, [{ t: "file", path: "/etc/cni/net.d/20-calico.conflist", line: 1 }]);
});
