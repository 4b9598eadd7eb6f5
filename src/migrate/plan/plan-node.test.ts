import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "node:test";
import { messageOf } from "#base/errors.ts";
import { hostRootFixture, hostRootOf } from "#test/support/host-root.ts";
import { playScript } from "#test/support/trace-script.ts";
import type { HostRoot } from "../host/host-root.ts";
import { parseKubernetesVersion } from "../host/kubernetes-version.ts";
import { unifiedDiff } from "../ledger/unified-diff.ts";
import { formatPlan, parsePlan } from "./parse-plan.ts";
import { defaultPlanOptions } from "./plan-input.ts";
import { planNode, type PlanOutcome } from "./plan-node.ts";
import { readPlanInput } from "./read-plan-input.ts";
import { parseTarget } from "./runtime-target.ts";
import { stepCommands } from "./step-commands.ts";
import type { Plan } from "./step.ts";

const script = "plan-node.txt";
const madeAt = "2026-01-01T00:00:00.000Z";

async function plan(root: HostRoot, words: readonly string[]): Promise<PlanOutcome> {
  const [version = "", target = "", ...more] = words;
  const value = (key: string) => more.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const choice = {
    target: parseTarget(target),
    options: defaultPlanOptions,
    containerdVersion: value("containerd"),
    kubeletVersion: parseKubernetesVersion(version),
    madeAt,
  };
  return planNode(await readPlanInput(root, undefined, choice));
}

async function openFixture(name: string, version: string) {
  return await hostRootFixture(name, { version, pause: "3.6", containerd: "1.7.28" });
}

/** Steps in one line, then what changes in the kubelet's files and which others are written. */
async function shown(root: HostRoot, outcome: Plan): Promise<string[]> {
  const lines = [
    `${outcome.from.runtime} on ${outcome.from.kubelet}, ${outcome.from.layout}`,
    ...outcome.notes.map((note) => `! ${note}`),
    outcome.steps.map(({ id }) => id.slice(3)).join(" "),
  ];
  for (const step of outcome.steps) {
    if (step.kind !== "write-files") continue;
    for (const { path, content } of step.files) {
      const isKubelets = step.id.endsWith("configure-kubelet") || path.includes("cri-docker");
      if (!isKubelets) lines.push(`writes ${path}`);
      else {
        const diff = unifiedDiff(await root.findText(path), content ?? "", path);
        lines.push(path, ...diff.split("\n").filter((line) => /^[-+](?![-+]{2} )/.test(line)));
      }
    }
  }
  return lines;
}

test("plans of nodes of every era, layout and target", async () => {
  const text = await readFile(join(import.meta.dirname, "../../../test/scripts", script), "utf8");
  const answers = new Map<string, string[]>();
  for (const line of text.split("\n").filter((one) => one.startsWith("plan "))) {
    const [, name = "", ...words] = line.split(" ");
    await using host = await openFixture(name, words[0] ?? "");
    try {
      const outcome = await plan(host.root, words);
      answers.set(line, outcome.t === "plan" ? await shown(host.root, outcome.plan) : outcome.commands.slice());
    } catch (error) {
      answers.set(line, [`refused: ${messageOf(error)}`]);
    }
  }
  await playScript(script, () => ({ play: (words) => answers.get(words.join(" ")) ?? [] }));
});

const targets = ["ferry", "containerd", "cri-dockerd"];
const hosts = [
  ["kubeadm-dockershim", "1.23.17"],
  ["kubeadm-control-plane", "1.19.16"],
  ["systemd-dockershim", "1.14.0"],
  ["kubeadm-cri-dockerd", "1.27.16"],
  ["kubeadm-instance-config", "1.34.2"],
  ["config-dir", "1.30.4"],
  ["systemd-json", "1.36.0"],
  ["k3s-docker", "1.23.17"],
] as const;

test("the same facts give the same plan, to the byte, and its file reads back", async () => {
  for (const [name, version] of hosts) {
    await using host = await openFixture(name, version);
    await using again = await openFixture(name, version);
    for (const target of targets) {
      const one = await plan(host.root, [version, target]);
      const other = await plan(again.root, [version, target]);
      assert(one.t === "plan" && other.t === "plan");
      assert.equal(formatPlan(one.plan), formatPlan(other.plan));
      assert.deepEqual(parsePlan(formatPlan(one.plan)), one.plan);
    }
  }
});

test("a node that its plan was done on has nothing left to do", async () => {
  for (const [name, version] of hosts) {
    for (const target of targets) {
      await using host = await openFixture(name, version);
      const first = await plan(host.root, [version, target]);
      assert(first.t === "plan");
      await using moved = await hostRootOf("");
      await copyWith(host.root, moved.root, first.plan);
      const second = await plan(moved.root, [version, target]);
      assert(second.t === "plan");
      assert.deepEqual(
        second.plan.steps.map(({ id }) => id),
        [],
        `${name} ${version} ${target}`,
      );
      assert.deepEqual(second.plan.notes, ["nothing to do: the node is there already"]);
    }
  }
});

test("what is no node of ours to change is refused, or answered with what replaces it", async () => {
  const docker = "== /usr/bin/dockerd\n";
  const kubelet = (flags: string) =>
    `== /etc/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet ${flags}\n`;
  const refused: [string, RegExp][] = [
    ["== /etc/hostname\nlaptop", /node laptop: no kubelet is set up here/],
    ["== /etc/kubernetes/ssl/kubecfg-kube-node.yaml\n", /RKE runs the kubelet itself in Docker/],
    ["== /var/snap/microk8s/current/args/kubelet\n--x", /MicroK8s comes with containerd/],
    ["== /etc/systemd/system/rke2-agent.service\n[Service]", /RKE2 comes with containerd/],
    [kubelet("--network-plugin=kubenet") + docker, /the pod network is kubenet/],
    [
      kubelet("--container-runtime=remote --container-runtime-endpoint=/run/crio/crio.sock"),
      /uses unix:\/\/\/run\/crio\/crio.sock and has no Docker/,
    ],
  ];
  for (const [text, why] of refused) {
    await using host = await hostRootOf(text);
    await assert.rejects(plan(host.root, ["1.23.17", "ferry"]), why);
  }
  await using unknown = await hostRootOf(kubelet("") + docker);
  const choice = { target: "ferry", options: defaultPlanOptions, madeAt } as const;
  const input = await readPlanInput(unknown.root, undefined, choice);
  assert.throws(() => planNode(input), /the kubelet's version is not known/);
});

test("images that Docker keeps in containerd are named for the kubelet there, and told of for Ferry", async () => {
  const node = (daemon: string) => `
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet
== /usr/bin/dockerd
== /etc/docker/daemon.json
${daemon}
`;
  await using told = await hostRootOf(node('{"features": {"containerd-snapshotter": true}}'));
  const made = await plan(told.root, ["1.34.2", "containerd"]);
  assert(made.t === "plan");
  const { steps } = parsePlan(formatPlan(made.plan));
  const images = steps.filter(({ kind }) => kind === "share-images" || kind === "carry-images");
  assert.deepEqual(images.map(stepCommands), [
    ["ferry migrate images --from containerd --from-namespace moby --to containerd"],
  ]);
  const ferry = await plan(told.root, ["1.34.2", "ferry"]);
  assert(ferry.t === "plan");
  assert.match(ferry.plan.notes.join("\n"), /Docker keeps its images in containerd: none are carried to Ferry/);
  await using other = await hostRootOf(node("{}"));
  const without = await plan(other.root, ["1.34.2", "containerd"]);
  assert(without.t === "plan" && without.plan.steps.every(({ kind }) => kind !== "share-images"));
});

test("paths that people wrote with slashes to spare are plain in the plan, which reads back", async () => {
  await using host = await hostRootOf(`
== /etc/systemd/system/kubelet.service
[Service]
EnvironmentFile=-/etc//default/kubelet
ExecStart=/usr/bin/kubelet --config=/etc/./kubernetes//k.yaml $KUBELET_EXTRA_ARGS
== /etc/default/kubelet
KUBELET_EXTRA_ARGS="--network-plugin=cni"
== /etc/kubernetes/k.yaml
cgroupDriver: systemd
== /usr/bin/dockerd
== /etc/docker/daemon.json
{"data-root": "/data//docker/", "log-opts": {"max-size": "-1"}}
== /data/docker/image/overlay2/imagedb/content/sha256/00
{}
`);
  const made = await plan(host.root, ["1.23.17", "containerd"]);
  assert(made.t === "plan");
  const { steps } = parsePlan(formatPlan(made.plan));
  const carried = steps.find(({ kind }) => kind === "carry-images");
  assert.equal(carried?.kind === "carry-images" && carried.dataRoot, "/data/docker");
  const kubelet = steps.find(({ id }) => id.endsWith("configure-kubelet"));
  const files = kubelet?.kind === "write-files" ? kubelet.files : [];
  assert.deepEqual(
    files.map(({ path }) => path),
    ["/etc/default/kubelet", "/etc/kubernetes/k.yaml"],
  );
  assert.match(files[1]?.content ?? "", /^containerLogMaxSize: "-1"$/m);
});

test("nodes of managed pools get commands in place of steps; kubeadm's on Azure is no pool's", async () => {
  const unit = "== /etc/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n== /usr/bin/dockerd\n";
  const pools: [file: string, version: string, says: RegExp][] = [
    ["/etc/eks/bootstrap.sh", "1.23.17", /bootstrap\.sh CLUSTER --container-runtime containerd/],
    ["/etc/eks/bootstrap.sh", "1.27.16", /--node-ami-family AmazonLinux2023[^]*nodeadm/],
    ["/usr/bin/nodeadm", "1.30.4", /NodeConfig \(nodeadm\)/],
    ["/home/kubernetes/kube-env", "1.23.17", /--image-type COS_CONTAINERD --node-pool POOL/],
    ["/etc/kubernetes/azure.json", "1.19.16", /az aks nodepool upgrade[^]*1\.19 and later run containerd/],
  ];
  for (const [file, version, says] of pools) {
    await using host = await hostRootOf(`${unit}== ${file}\n`);
    const outcome = await plan(host.root, [version, "containerd"]);
    assert(outcome.t === "managed", file);
    assert.match([...outcome.commands, ...outcome.notes].join("\n"), says, file);
  }
  const flags = '== /var/lib/kubelet/kubeadm-flags.env\nKUBELET_KUBEADM_ARGS="--network-plugin=cni"\n';
  await using own = await hostRootOf(`${unit}== /etc/kubernetes/azure.json\n${flags}`);
  assert.equal((await plan(own.root, ["1.23.17", "containerd"])).t, "plan");
});

test("a cri-dockerd that cannot stand between this kubelet and this Docker is refused, with one that can", async () => {
  const host = (docker: string, cri: string) => `== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet
== /usr/bin/dockerd
== /var/lib/dpkg/status
${installed("docker-ce", docker)}
${cri === "" ? "" : installed("cri-dockerd", cri)}`;
  const installed = (name: string, version: string) =>
    `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`;
  const cases: [kubelet: string, docker: string, cri: string, answer: RegExp | string[]][] = [
    [
      "1.19.16",
      "5:20.10.24~3-0~ubuntu-focal",
      "0.3.25",
      /cri-dockerd 0\.3\.25: kubelet 1\.19 speaks CRI v1alpha2 only/,
    ],
    ["1.23.17", "5:20.10.24~3-0~ubuntu-focal", "0.4.0", /cri-dockerd 0\.4\.0: needs Docker 23 or later, .*20\.10\.24/],
    ["1.19.16", "5:24.0.9-1", "0.4.1", []],
    ["1.19.16", "5:20.10.24~3-0~ubuntu-focal", "0.3.21", []],
    ["1.23.17", "5:20.10.24~3-0~ubuntu-focal", "0.4.3", []],
    ["1.23.17", "5:24.0.9-1", "", []],
    ["1.19.16", "5:24.0.9-1", "", ["v1alpha2 only: take cri-dockerd 0.3.21 and 0.4.1 at most"]],
    ["1.23.17", "20.10.24+dfsg1-1", "", ["cri-dockerd 0.4.0 and 0.4.1 refuse it"]],
  ];
  for (const [kubelet, docker, cri, answer] of cases) {
    await using root = await hostRootOf(host(docker, cri));
    if (answer instanceof RegExp) {
      await assert.rejects(plan(root.root, [kubelet, "cri-dockerd"]), answer);
      continue;
    }
    const outcome = await plan(root.root, [kubelet, "cri-dockerd"]);
    assert(outcome.t === "plan");
    const notes = outcome.plan.notes.filter((note) => /speaks CRI|refuse it/.test(note));
    assert.equal(notes.length, answer.length, notes.join("\n"));
    for (const [at, text] of answer.entries()) assert.ok(notes[at]?.includes(text), notes.join("\n"));
  }
});

test("nodes of managed pools get commands, by provider and version", async () => {
  const cases: [string, string, RegExp][] = [
    ["/etc/eks/bootstrap.sh", "1.23.17", /bootstrap\.sh CLUSTER --container-runtime containerd/],
    ["/etc/eks/bootstrap.sh", "1.24.1", /--node-ami-family AmazonLinux2023/],
    ["/home/kubernetes/kube-env", "1.23.17", /--image-type COS_CONTAINERD --node-pool POOL/],
    ["/etc/kubernetes/azure.json", "1.18.1", /az aks nodepool upgrade/],
  ];
  for (const [path, version, command] of cases) {
    await using host = await hostRootOf(`== ${path}\n`);
    const outcome = await plan(host.root, [version, "containerd"]);
    assert(outcome.t === "managed");
    assert.match(outcome.commands.join("\n"), command);
  }
});

/** The host as the plan leaves it: files written, units that it disables wanted by nobody. */
async function copyWith(from: HostRoot, to: HostRoot, { steps }: Plan): Promise<void> {
  await cp(from.directory, to.directory, { recursive: true, verbatimSymlinks: true });
  for (const step of steps) {
    for (const { path, content } of step.kind === "write-files" ? step.files : []) {
      await mkdir(dirname(join(to.directory, path)), { recursive: true });
      await writeFile(join(to.directory, path), content ?? "");
    }
    for (const { name, enabled } of step.kind === "set-units" ? step.units : []) {
      if (enabled !== false) continue;
      for (const target of ["multi-user", "sockets"]) {
        await rm(join(to.directory, `etc/systemd/system/${target}.target.wants/${name}`), { force: true });
      }
    }
  }
}
