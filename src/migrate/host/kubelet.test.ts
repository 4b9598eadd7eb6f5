import assert from "node:assert/strict";
import test from "node:test";
import { hostRootFixture, hostRootOf } from "#test/support/host-root.ts";
import type { HostRoot } from "./host-root.ts";
import { findFlag } from "./command-line.ts";
import { findLayout } from "./find-layout.ts";
import { findKubeletSetting, readKubelet } from "./read-kubelet.ts";
import { readPackages } from "./read-packages.ts";

async function kubeletOf(root: HostRoot) {
  return await readKubelet({ root, packages: await readPackages(root) });
}

test("kubeadm 1.23: flags of every source, each with its place", async () => {
  await using host = await hostRootFixture("kubeadm-dockershim", { version: "1.23.17", pause: "3.6" });
  const kubelet = await kubeletOf(host.root);
  assert.deepEqual(kubelet.version?.value, { minor: 23, patch: 17 });
  assert.deepEqual(
    kubelet.commandLine?.flags.map(({ name, value, path, line }) => `${path}:${line} ${name}=${value}`),
    [
      "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf:3 bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
      "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf:3 kubeconfig=/etc/kubernetes/kubelet.conf",
      "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf:4 config=/var/lib/kubelet/config.yaml",
      "/var/lib/kubelet/kubeadm-flags.env:1 network-plugin=cni",
      "/var/lib/kubelet/kubeadm-flags.env:1 pod-infra-container-image=k8s.gcr.io/pause:3.6",
      "/etc/default/kubelet:2 node-labels=pool=general",
      "/etc/default/kubelet:2 max-pods=60",
    ],
  );
  assert.deepEqual(findKubeletSetting(kubelet, { flag: "cgroup-driver", field: "cgroupDriver" }), {
    value: "systemd",
    source: { t: "file", path: "/var/lib/kubelet/config.yaml", line: 21, excerpt: "cgroupDriver: systemd" },
  });
  assert.deepEqual((await findLayout(host.root, kubelet)).layout, { t: "kubeadm", era: "annotation" });
});

test("a drop-in replaces ExecStart, continues lines, masks one of the same name", async () => {
  await using host = await hostRootOf(`
== /usr/lib/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --old=1
== /usr/lib/systemd/system/kubelet.service.d/10-x.conf
[Service]
Environment=KUBELET_X=--masked
== /etc/systemd/system/kubelet.service.d/10-x.conf
[Service]
Environment="KUBELET_X=--first=1 --node-labels='a=b c'" OTHER=--other
ExecStart=
ExecStart=/usr/bin/kubelet \\
  --container_runtime remote \\
  # --commented=1 \\
  $KUBELET_X --last \${OTHER}
`);
  const kubelet = await kubeletOf(host.root);
  assert.deepEqual(
    kubelet.commandLine?.flags.map(({ name, value }) => [name, value]),
    [
      ["container-runtime", "remote"],
      ["first", "1"],
      ["node-labels", "a=b c"],
      ["last", undefined],
      ["other", undefined],
    ],
  );
  assert.equal(findFlag(kubelet.commandLine, "container-runtime")?.line, 5);
  assert.deepEqual((await findLayout(host.root, kubelet)).layout, { t: "systemd" });
});

test("a flag wins over drop-ins, the last drop-in over the file", async () => {
  await using host = await hostRootOf(`
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --config=/etc/k.yaml --config-dir=/etc/k.d --cgroup-driver=cgroupfs
== /etc/k.yaml
cgroupDriver: systemd
containerRuntimeEndpoint: unix:///one
containerLogMaxSize: 10Mi
== /etc/k.d/10-a.conf
containerRuntimeEndpoint: unix:///two
== /etc/k.d/20-b.conf
{"containerRuntimeEndpoint": "unix:///three"}
== /etc/k.d/30-c.yaml
containerRuntimeEndpoint: unix:///ignored
`);
  const kubelet = await kubeletOf(host.root);
  const setting = (flag: string, field: string) => findKubeletSetting(kubelet, { flag, field })?.value;
  assert.equal(setting("cgroup-driver", "cgroupDriver"), "cgroupfs");
  assert.equal(setting("container-runtime-endpoint", "containerRuntimeEndpoint"), "unix:///three");
  assert.equal(setting("container-log-max-size", "containerLogMaxSize"), "10Mi");
  assert.equal(setting("container-log-max-files", "containerLogMaxFiles"), undefined);
  assert.deepEqual((await findLayout(host.root, kubelet)).layout, { t: "config-dir", directory: "/etc/k.d" });
});

test("layouts are told apart by the files only they have", async () => {
  const layoutOf = async (text: string) => {
    await using host = await hostRootOf(text);
    return (await findLayout(host.root, await kubeletOf(host.root))).layout;
  };
  assert.deepEqual(await layoutOf("== /etc/hostname\nlaptop"), { t: "none" });
  assert.deepEqual(await layoutOf("== /etc/systemd/system/k3s-agent.service\n[Service]\n"), {
    t: "k3s",
    unit: "k3s-agent.service",
    configPath: "/etc/rancher/k3s/config.yaml",
  });
  assert.deepEqual(await layoutOf("== /etc/eks/bootstrap.sh\n#!/bin/bash"), { t: "managed", provider: "eks" });
  assert.deepEqual(await layoutOf("== /var/lib/kubelet/instance-config.yaml\ncontainerRuntimeEndpoint: unix:///x"), {
    t: "kubeadm",
    era: "instance-config",
  });
});

test("a configuration that is no YAML is a problem, not an end", async () => {
  await using host = await hostRootOf(`
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --config=/etc/k.yaml
== /etc/k.yaml
a: [
`);
  const kubelet = await kubeletOf(host.root);
  assert.equal(kubelet.config?.fields.size, 0);
  assert.notEqual(kubelet.config?.problem, undefined);
});
