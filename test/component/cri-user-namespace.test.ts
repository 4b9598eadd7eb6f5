import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before, suite } from "node:test";
import { parseNamespace } from "#core/call.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { openCriBed, readLog, type CriBed } from "./cri-bed.ts";
import { eventually } from "#test/support/eventually.ts";

const isRoot = process.getuid?.() === 0;
const runtimes = ["crun", "runc"];
const handlers = runtimes.map(
  (name) => `[runtimes.own-${name}]\nruntime_type = "conmon"\noptions = { BinaryName = "${name}" }\n`,
);

suite("pods in a user namespace", { skip: isRoot ? false : "needs root" }, () => {
  let bed: CriBed;
  before(async () => {
    bed = await openCriBed({ bridge: "frcriuser0", subnet: "10.231.82.0/24", config: () => handlers.join("") });
    // A pod's root is somebody else on the way to its bundle.
    await chmod(bed.directory, 0o711);
    await bed.v1.images.pullImage({ image: { image: bed.image } });
  });
  after(async () => await bed[Symbol.asyncDispose]());

  const range = [{ hostId: 500_000, containerId: 0, length: 65_536 }];
  const options = (pid: NamespaceMode) => ({
    pid,
    usernsOptions: { mode: NamespaceMode.POD, uids: range, gids: range },
  });
  const linux = (pid: NamespaceMode) => ({ securityContext: { namespaceOptions: options(pid) } });
  const runPod = async (name: string, runtimeHandler: string, pid: NamespaceMode) => {
    const metadata = { name, uid: `uid-${name}`, namespace: "default", attempt: 0 };
    const sysctls = { "net.ipv4.ip_unprivileged_port_start": "1000" };
    const config = { metadata, hostname: name, logDirectory: bed.logDirectory, linux: { sysctls, ...linux(pid) } };
    return (await bed.v1.runtime.runPodSandbox({ config, runtimeHandler })).podSandboxId;
  };
  const volume = async (name: string) => {
    const hostPath = join(bed.directory, name);
    await mkdir(hostPath, { mode: 0o700 });
    await writeFile(join(hostPath, "file"), "from outside\n", { mode: 0o600 });
    return { hostPath, containerPath: "/volume", uidMappings: range, gidMappings: range };
  };

  for (const name of runtimes) {
    test(`${name}: root inside is nobody outside, and its files are its own`, async () => {
      const { runtime } = bed.v1;
      const podSandboxId = await runPod(name, `own-${name}`, NamespaceMode.CONTAINER);
      const mount = await volume(name);
      const script = [
        "cat /proc/self/uid_map",
        "id -u",
        "cat /volume/file && echo inside > /volume/made",
        "echo new > /etc/made && rm /etc/group && ls -ln /etc/passwd | cut -d' ' -f1",
        "hostname; echo '1.2.3.4 x' >> /etc/hosts && echo hosts",
        "cat /sys/class/net/lo/operstate /proc/sys/net/ipv4/ip_unprivileged_port_start",
        "sleep 1000",
      ];
      const { containerId } = await runtime.createContainer({
        podSandboxId,
        config: {
          metadata: { name: "main", attempt: 0 },
          image: { image: bed.image },
          command: ["sh", "-c", script.join("\n")],
          logPath: `${name}.log`,
          mounts: [mount],
          linux: linux(NamespaceMode.CONTAINER),
        },
      });
      await runtime.startContainer({ containerId });
      const log = join(bed.logDirectory, `${name}.log`);
      await eventually("output", async () => (await readLog(log)).length >= 8);
      const [map = "", ...lines] = await readLog(log);
      assert.deepEqual(map.trim().split(/\s+/), ["0", "500000", "65536"]);
      assert.deepEqual(lines, ["0", "from outside", "-rw-r--r--", name, "hosts", "unknown", "1000"]);
      assert.equal((await stat(join(mount.hostPath, "made"))).uid, 0);
      const { engine, call } = bed.daemon;
      const pods = { ...call, namespace: parseNamespace("k8s.io") };
      const container = await engine.containers.resolve(pods, containerId);
      assert.match(await readFile(`/proc/${container.status.pid}/status`, "utf8"), /^Uid:\s+500000\s/m);
      const { stdout } = await runtime.execSync({ containerId, cmd: ["sh", "-c", "id -u; cat /etc/made"] });
      assert.equal(Buffer.from(stdout).toString(), "0\nnew\n");
      await bed.restart();
      const { status } = await bed.v1.runtime.containerStatus({ containerId });
      assert.equal(status?.state, ContainerState.CONTAINER_RUNNING);
      await bed.v1.runtime.removePodSandbox({ podSandboxId });
      await proveNothingMounted(bed);
    });
  }

  test("containers of a pod share its PID namespace within its user namespace", async () => {
    const { runtime } = bed.v1;
    const podSandboxId = await runPod("shared", "", NamespaceMode.POD);
    const config = {
      metadata: { name: "main", attempt: 0 },
      image: { image: bed.image },
      command: ["sleep", "1000"],
      linux: linux(NamespaceMode.POD),
    };
    const { containerId } = await runtime.createContainer({ podSandboxId, config });
    await runtime.startContainer({ containerId });
    const { stdout } = await runtime.execSync({ containerId, cmd: ["cat", "/proc/1/cmdline"] });
    assert.match(Buffer.from(stdout).toString(), /^\/pause/);
    // As a daemon that was killed leaves it: everything there, the record not finished.
    const { engine, call } = bed.daemon;
    const pods = { ...call, namespace: parseNamespace("k8s.io") };
    const { id } = await engine.sandboxes.get(pods, podSandboxId);
    await engine.sandboxes.update(pods, id, (now) => ({ ...now, state: "creating" }));
    await bed.restart();
    assert.deepEqual((await bed.v1.runtime.listPodSandbox({})).items, []);
    await proveNothingMounted(bed);
  });

  test("a mapping that is not the pod's is refused, and handlers say what they can", async () => {
    const { runtime } = bed.v1;
    const { runtimeHandlers } = await runtime.status({});
    assert.deepEqual(
      runtimeHandlers.map(({ features }) => features?.userNamespaces),
      runtimeHandlers.map(() => true),
    );
    const podSandboxId = await runPod("other", "", NamespaceMode.CONTAINER);
    const mount = { ...(await volume("other")), uidMappings: [{ hostId: 1, containerId: 0, length: 9 }] };
    const config = {
      metadata: { name: "main", attempt: 0 },
      image: { image: bed.image },
      mounts: [mount],
      linux: linux(NamespaceMode.CONTAINER),
    };
    await assert.rejects(
      runtime.createContainer({ podSandboxId, config }),
      /mount \/volume: its id mappings are not those/,
    );
    await runtime.removePodSandbox({ podSandboxId });
  });
});

async function proveNothingMounted({ daemon, directory }: CriBed): Promise<void> {
  const state = join(directory, "state");
  const left = (await daemon.engine.mounter.list(state)).filter((path) => path !== join(state, "pods"));
  assert.deepEqual(left, []);
  assert.deepEqual(await readdir(join(state, "pods")), []);
}
