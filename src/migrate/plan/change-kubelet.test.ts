import assert from "node:assert/strict";
import test from "node:test";
import { hostRootOf } from "#test/support/host-root.ts";
import { findFlag } from "../host/command-line.ts";
import { flagsRemovedBy, kubeletFlagTable } from "../host/kubelet-flag-table.ts";
import { findKubeletSetting } from "../host/read-kubelet.ts";
import { readNode } from "../host/read-node.ts";
import { changeKubelet, type KubeletWish } from "./change-kubelet.ts";
import { FileDrafts } from "./file-drafts.ts";

const endpoint = "unix:///run/containerd/containerd.sock";
const everyFlag = kubeletFlagTable
  .filter(({ name }) => name !== "config-dir")
  .map(({ name }) => `--${name}=old`)
  .join(" ");

/** Layouts of plain units: where their flags stand. */
const hosts = {
  "environment file": `
== /etc/systemd/system/kubelet.service
[Service]
EnvironmentFile=/etc/default/kubelet
ExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS
== /etc/default/kubelet
KUBELET_EXTRA_ARGS="--v=2 ${everyFlag} --max-pods=60"
`,
  ExecStart: `
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --v=2 ${everyFlag} --max-pods=60
`,
  "Environment=": `
== /etc/systemd/system/kubelet.service
[Service]
Environment="FLAGS=--v=2 ${everyFlag}" OTHER=--max-pods=60
ExecStart=/usr/bin/kubelet $FLAGS $OTHER
`,
  kubeadm: `
== /etc/systemd/system/kubelet.service
[Service]
EnvironmentFile=/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=/etc/default/kubelet
ExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
== /var/lib/kubelet/kubeadm-flags.env
KUBELET_KUBEADM_ARGS="--v=2"
== /etc/default/kubelet
KUBELET_EXTRA_ARGS="${everyFlag} --max-pods=60"
`,
};

function wishOf(minor: number): KubeletWish {
  return {
    minor,
    endpoint,
    unit: "containerd.service",
    fields: [{ field: "cgroupDriver", value: "systemd" }],
    defaults: [{ field: "containerLogMaxFiles", value: 3 }],
  };
}

test("for every kubelet from 1.14 to 1.36: it knows each flag it is left with, and has the socket", async () => {
  for (const [name, text] of Object.entries(hosts)) {
    for (let minor = 14; minor <= 36; minor++) {
      await using host = await hostRootOf(text);
      const drafts = new FileDrafts();
      changeKubelet(await readNode(host.root), wishOf(minor), drafts);
      const written = drafts.changes().map(({ path, content }) => `== ${path}\n${content ?? ""}`);
      await using changed = await hostRootOf([text, ...written].join("\n"));
      const { kubelet } = await readNode(changed.root);
      const what = `${name}, 1.${minor}`;
      const flags = new Map(kubelet.commandLine?.flags.map((flag) => [flag.name, flag.value]));
      const refused = flagsRemovedBy(minor).filter((rule) => flags.has(rule.name));
      assert.deepEqual(refused, [], what);
      assert.equal(flags.get("container-runtime-endpoint"), endpoint, what);
      assert.equal(flags.get("container-runtime"), minor < 24 ? "remote" : undefined, what);
      assert.equal(flags.get("pod-infra-container-image"), minor < 35 ? "old" : undefined, what);
      assert.equal(flags.get("network-plugin"), undefined, what);
      assert.equal(flags.get("cgroup-driver"), "systemd", what);
      assert.equal(flags.get("container-log-max-files"), "3", what);
      assert.equal(flags.get("v"), "2", what);
      assert.equal(flags.get("max-pods"), "60", what);
      assert.equal(kubelet.commandLine?.flags.length, flags.size, `${what}: no flag twice`);
    }
  }
});

test("an endpoint that the configuration says stays in the configuration, from 1.27 on", async () => {
  const text = `
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --config=/etc/k.yaml
== /etc/k.yaml
containerRuntimeEndpoint: unix:///run/cri-dockerd.sock # for now
`;
  await using host = await hostRootOf(text);
  const drafts = new FileDrafts();
  const facts = await readNode(host.root);
  changeKubelet(facts, { ...wishOf(27), fields: [], defaults: [] }, drafts);
  assert.deepEqual(
    drafts.changes().map(({ path, content }) => [path, content]),
    [["/etc/k.yaml", `containerRuntimeEndpoint: ${endpoint} # for now\n`]],
  );
  assert.equal(findFlag(facts.kubelet.commandLine, "container-runtime-endpoint"), undefined);
});

test("what somebody set on purpose is left, what nobody set gets Docker's value", async () => {
  const text = `
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --config=/etc/k.yaml
== /etc/k.yaml
containerLogMaxFiles: 7
containerLogMaxSize: ""
`;
  await using host = await hostRootOf(text);
  const drafts = new FileDrafts();
  const defaults = [
    { field: "containerLogMaxFiles", value: 3 },
    { field: "containerLogMaxSize", value: "50M" },
  ];
  changeKubelet(await readNode(host.root), { ...wishOf(23), fields: [], defaults }, drafts);
  assert.equal(drafts.textOf("/etc/k.yaml"), "containerLogMaxFiles: 7\ncontainerLogMaxSize: 50M\n");
  const { kubelet } = await readNode(host.root);
  assert.equal(findKubeletSetting(kubelet, { field: "containerLogMaxFiles" })?.value, "7");
});
