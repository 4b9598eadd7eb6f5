import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after, before, suite } from "node:test";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { findBinary } from "#test/support/require.ts";
import { runToEnd } from "#test/support/ferry-bed.ts";
import { openCriBed, type CriBed } from "./cri-bed.ts";
import { eventually } from "#test/support/eventually.ts";

const docker = findBinary("/usr/bin/docker");
const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const reason = process.getuid?.() !== 0 ? "needs root" : docker === undefined ? "needs Debian's docker" : false;

suite("a kubelet's pods through Docker's socket", { skip: reason }, () => {
  let bed: CriBed;
  let podSandboxId: string;
  let containerId: string;
  const name = "k8s_main_web_default_uid-1_2";
  const sandboxName = "k8s_POD_web_default_uid-1_1";
  before(async () => {
    bed = await openCriBed({ docker: true, bridge: "frpodsdock0", subnet: "10.231.81.0/24" });
    ({ podSandboxId, containerId } = await makePod(bed));
  });
  after(async () => {
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
    await bed[Symbol.asyncDispose]();
  });

  const run = async (...words: string[]) =>
    await runToEnd([docker ?? "docker", ...words], { env: { DOCKER_HOST: `unix://${bed.dockerSocket}` } });
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await run(...words);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const inspect = async (template: string, of = name) => await ask("inspect", "--format", template, of);

  test("ps lists containers and sandboxes under dockershim's names and labels", async () => {
    assert.deepEqual((await ask("ps", "--format", "{{.Names}}")).split("\n").sort(), [sandboxName, name]);
    const byLabel = ["ps", "-q", "--no-trunc", "--filter"];
    assert.equal(await ask(...byLabel, "label=io.kubernetes.docker.type=podsandbox"), podSandboxId);
    assert.equal(await ask(...byLabel, "label=io.kubernetes.docker.type=container"), containerId);
    assert.deepEqual(JSON.parse(await inspect("{{json .Config.Labels}}")), {
      "annotation.note": "it",
      "io.kubernetes.container.logpath": join(bed.logDirectory, "main.log"),
      "io.kubernetes.container.name": "main",
      "io.kubernetes.docker.type": "container",
      "io.kubernetes.pod.name": "web",
      "io.kubernetes.pod.namespace": "default",
      "io.kubernetes.pod.uid": "uid-1",
      "io.kubernetes.sandbox.id": podSandboxId,
    });
    assert.deepEqual(JSON.parse(await inspect("{{json .Config.Labels}}", sandboxName)), {
      app: "web",
      "annotation.kubernetes.io/config.seen": "now",
      "io.kubernetes.container.name": "POD",
      "io.kubernetes.docker.type": "podsandbox",
      "io.kubernetes.pod.name": "web",
      "io.kubernetes.pod.namespace": "default",
      "io.kubernetes.pod.uid": "uid-1",
    });
  });

  test("inspect, logs, top and stats read it, by name and by the beginning of its id", async () => {
    assert.equal(
      await inspect("{{.Id}} {{.State.Status}} {{.HostConfig.NetworkMode}}"),
      `${containerId} running container:${podSandboxId}`,
    );
    assert.equal(await inspect("{{.Name}}", containerId.slice(0, 12)), `/${name}`);
    assert.equal(await inspect("{{.State.Running}} {{.Config.Hostname}}", podSandboxId.slice(0, 12)), "true web");
    await eventually("the log", async () => (await ask("logs", name)) === "said");
    assert.equal(await ask("logs", sandboxName), "");
    assert.match(await ask("top", name), /sleep 1000/);
    assert.match(
      await ask("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", name),
      new RegExp(`^${name} \\d`),
    );
  });

  test("what would change it is refused, and the key that allows it is named", async () => {
    const refused = [
      ["rm", "-f", name],
      ["rm", "-f", sandboxName],
      ["stop", name],
      ["kill", containerId],
      ["restart", name],
      ["pause", name],
      ["rename", name, "x"],
      ["update", "--memory", "64m", name],
      ["exec", name, "true"],
    ];
    for (const words of refused) {
      const { code, stderr } = await run(...words);
      assert.notEqual(code, 0, words.join(" "));
      assert.match(stderr, /belongs to a pod, which is read-only here; docker\.pods = "writable"/, words.join(" "));
    }
    const named = await runToEnd([ferry, "--host", `unix://${bed.dockerSocket}`, "-n", "k8s.io", "rm", "-f", name]);
    assert.match(named.stderr, /read-only here/);
    await ask("container", "prune", "-f");
    assert.equal(await inspect("{{.State.Status}}"), "running");
  });

  test("a container of Docker's own may live in a pod's network, by any of its names", async () => {
    await ask("pull", bed.image);
    const { status } = await bed.v1.runtime.podSandboxStatus({ podSandboxId });
    const address = status?.network?.ip;
    for (const target of [sandboxName, name, containerId]) {
      const words = ["run", "--rm", "--network", `container:${target}`, bed.image];
      assert.match(await ask(...words, "sh", "-c", "ip addr; hostname"), new RegExp(`${address}/[^]*\nweb$`));
    }
    assert.match(
      (await run("run", "--rm", "--network", "container:k8s_POD_no", bed.image, "true")).stderr,
      /no such container/i,
    );
  });

  test("ferry lists and inspects pods", async () => {
    const host = ["--host", `unix://${bed.dockerSocket}`];
    const ferryAsk = async (...words: string[]) => {
      const { code, stdout, stderr } = await runToEnd([ferry, ...host, ...words]);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    assert.match(
      await ferryAsk("pods"),
      /^POD ID +CREATED +STATE +NAME +NAMESPACE +ATTEMPT +RUNTIME\n\w{13} .* Ready +web +default +1 +\(default\)$/,
    );
    assert.equal(
      await ferryAsk("pods", "-q", "--no-trunc", "--name", "^we", "--state", "ready", "--label", "app=web"),
      podSandboxId,
    );
    assert.equal(await ferryAsk("pods", "-q", "--pod-namespace", "kube-system"), "");
    assert.equal(await ferryAsk("pods", "-q", "--state", "notready"), "");
    assert.match(await ferryAsk("pods", "--format", "{{.Name}} {{.IPs}} {{.Containers}}"), /^web 10\.\S+ 1$/);
    for (const pod of [podSandboxId, "default/web", "web"]) {
      assert.equal(
        await ferryAsk("inspect", "--type", "pod", "--format", "{{.Id}} {{(index .Containers 0).Id}}", pod),
        `${podSandboxId} ${containerId}`,
      );
    }
    assert.match(await ferryAsk("ps", "--namespace", "k8s.io", "--format", "{{.Names}}"), new RegExp(name));
  });
});

async function makePod({ v1: { runtime, images }, image, logDirectory }: CriBed) {
  await images.pullImage({ image: { image } });
  const linux = { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } };
  const { podSandboxId } = await runtime.runPodSandbox({
    config: {
      metadata: { name: "web", uid: "uid-1", namespace: "default", attempt: 1 },
      hostname: "web",
      logDirectory,
      labels: { app: "web" },
      annotations: { "kubernetes.io/config.seen": "now" },
      linux,
    },
  });
  const { containerId } = await runtime.createContainer({
    podSandboxId,
    config: {
      metadata: { name: "main", attempt: 2 },
      image: { image },
      command: ["sh", "-c", "echo said; sleep 1000"],
      annotations: { note: "it" },
      logPath: "main.log",
      linux,
    },
  });
  await runtime.startContainer({ containerId });
  return { podSandboxId, containerId };
}
