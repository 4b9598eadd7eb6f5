import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before, suite } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { openCriBed, type CriBed } from "./cri-bed.ts";

const isRoot = process.getuid?.() === 0;
const linux = { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } };

suite("described devices of pods", { skip: isRoot ? false : "needs root" }, () => {
  let bed: CriBed;
  let podSandboxId: string;
  before(async () => {
    bed = await openCriBed({
      bridge: "frcricdi0",
      subnet: "10.231.83.0/24",
      config: (_images, directory) => `cdi_spec_dirs = [${JSON.stringify(directory)}]\n`,
    });
    await writeFile(join(bed.directory, "mounted"), "mounted\n");
    await writeFile(join(bed.directory, "vendor.yaml"), description(bed.directory));
    await bed.v1.images.pullImage({ image: { image: bed.image } });
    const metadata = { name: "cdi", uid: "uid-cdi", namespace: "default", attempt: 0 };
    ({ podSandboxId } = await bed.v1.runtime.runPodSandbox({ config: { metadata, hostname: "cdi", linux } }));
  });
  after(async () => {
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
    await bed[Symbol.asyncDispose]();
  });

  const create = async (name: string, asked: object) => {
    const config = { metadata: { name, attempt: 0 }, image: { image: bed.image }, command: ["sleep", "1000"], linux };
    return await bed.v1.runtime.createContainer({ podSandboxId, config: { ...config, ...asked } });
  };

  for (const [name, asked] of [
    ["field", { CDIDevices: [{ name: "vendor.com/thing=one" }] }],
    ["annotation", { annotations: { "cdi.k8s.io/plugin_1": "vendor.com/thing=one" } }],
  ] as const) {
    test(`${name}: nodes, mounts, environment, groups and hooks`, async () => {
      const { containerId } = await create(name, asked);
      await bed.v1.runtime.startContainer({ containerId });
      const script = "echo x > /dev/thing; dd if=/dev/thing count=1 2>/dev/null; cat /described; echo $THING; id -G";
      const { stdout } = await bed.v1.runtime.execSync({ containerId, cmd: ["sh", "-c", script] });
      assert.match(Buffer.from(stdout).toString(), /^mounted\n1\n0(?: \d+)* 4242\n$/);
      assert.match(await readFile(join(bed.directory, "hook"), "utf8"), /hooked/);
      await bed.v1.runtime.removeContainer({ containerId });
    });
  }

  test("one that is not known is refused by name", async () => {
    for (const asked of [
      { CDIDevices: [{ name: "vendor.com/thing=two" }] },
      { annotations: { "cdi.k8s.io/x": "vendor.com/thing=two" } },
      { annotations: { "cdi.k8s.io/x": "two" } },
    ]) {
      await assert.rejects(create("unknown", asked), (error: unknown) => {
        assert.ok(error instanceof ConnectError);
        assert.equal(error.code, Code.InvalidArgument);
        return /two/.test(error.message);
      });
    }
  });
});

function description(directory: string): string {
  return `
cdiVersion: "0.7.0"
kind: vendor.com/thing
devices:
  - name: one
    containerEdits:
      env: [THING=1]
      deviceNodes:
        - { path: /dev/thing, hostPath: /dev/null }
containerEdits:
  additionalGids: [4242]
  mounts:
    - { hostPath: ${directory}/mounted, containerPath: /described, options: [ro, bind] }
  hooks:
    - { hookName: createRuntime, path: /bin/sh, args: [sh, -c, "cat > /dev/null; echo hooked >> ${directory}/hook"] }
`;
}
