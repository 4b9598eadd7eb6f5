import assert from "node:assert/strict";
import test from "node:test";
import { hostRootFixture, hostRootOf } from "#test/support/host-root.ts";
import { readNode } from "./read-node.ts";
import { runtimeVersion } from "./read-runtime.ts";

test("a kubeadm node with Docker, read from a copy", async () => {
  await using host = await hostRootFixture("kubeadm-dockershim", { version: "1.23.17", pause: "3.6" });
  const facts = await readNode(host.root);
  assert.equal(facts.node, "worker-1");
  assert.deepEqual(facts.os, { id: "ubuntu", version: "20.04", name: "Ubuntu 20.04.6 LTS", packageManager: "apt" });
  assert.equal(facts.docker?.version?.value, "20.10.24~3-0~ubuntu-focal");
  assert.deepEqual(facts.docker.dataRoot.value, "/var/lib/docker");
  assert.deepEqual(facts.docker.settings["exec-opts"]?.value, ["native.cgroupdriver=systemd"]);
  assert.deepEqual(facts.docker.settings["log-opts"]?.value, { "max-size": "100m", "max-file": "3" });
  assert.deepEqual(facts.docker.units, [
    { name: "docker.service", active: undefined, enabled: true },
    { name: "docker.socket", active: undefined, enabled: true },
  ]);
  assert.equal(runtimeVersion(facts.containerd), "1.6.33-1");
  assert.equal(facts.containerd.config?.text, 'disabled_plugins = ["cri"]\n');
  assert.equal(facts.criDockerd.installed, undefined);
  assert.deepEqual(facts.cni, { configFiles: ["10-flannel.conflist"], plugins: ["loopback"] });
  assert.deepEqual(facts.controlPlane, { apiServer: false, etcd: false });
});

test("flags of dockerd's unit count beside daemon.json", async () => {
  await using host = await hostRootOf(`
== /etc/systemd/system/docker.service
[Service]
ExecStart=/usr/bin/dockerd --data-root /mnt/docker --exec-opt native.cgroupdriver=systemd --log-opt max-size=1g
== /etc/docker/daemon.json
{ "live-restore": true }
`);
  const { docker } = await readNode(host.root);
  assert.equal(docker?.dataRoot.value, "/mnt/docker");
  assert.deepEqual(docker.settings["exec-opts"]?.value, ["native.cgroupdriver=systemd"]);
  assert.deepEqual(docker.settings["log-opts"]?.value, { "max-size": "1g" });
  assert.equal(docker.settings["live-restore"]?.value, true);
});

test("a daemon.json that is no JSON is a problem, not an end", async () => {
  await using host = await hostRootOf("== /usr/bin/dockerd\n== /etc/docker/daemon.json\n{ oops");
  const { docker } = await readNode(host.root);
  assert.match(docker?.problems[0]?.why ?? "", /is not JSON/);
});

test("modules and sysctls are those of the next boot", async () => {
  await using host = await hostRootOf(`
== /etc/modules-load.d/k8s.conf
# for pods
br_netfilter
== /usr/lib/sysctl.d/50-default.conf
net.ipv4.ip_forward = 0
== /etc/sysctl.d/99-k8s.conf
net/ipv4/ip_forward=1
`);
  const { kernel } = await readNode(host.root);
  assert.deepEqual([...kernel.modules], ["br_netfilter"]);
  assert.equal(kernel.sysctls.get("net.ipv4.ip_forward"), "1");
  assert.equal(kernel.cgroupVersion, undefined);
});

test("an empty root is a host that is not a node", async () => {
  await using host = await hostRootOf("== /etc/hostname\nlaptop");
  const facts = await readNode(host.root);
  assert.deepEqual(facts.layout, { t: "none" });
  assert.equal(facts.docker, undefined);
  assert.equal(facts.os.packageManager, "none");
});
