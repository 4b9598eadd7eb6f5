import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { splitTar } from "#base/tar-split/tar-split.fixture.ts";
import { digestOf, hexOf } from "#core/content/digest.ts";
import { reserveBytes } from "../images/check-space.ts";
import { parseKubernetesVersion } from "../host/kubernetes-version.ts";
import { defaultPlanOptions } from "./plan-input.ts";
import { planNode } from "./plan-node.ts";
import { readPlanInput } from "./read-plan-input.ts";
import { hostRootOf } from "#test/support/host-root.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readNode } from "../host/read-node.ts";
import { readStoreFacts } from "./read-store-facts.ts";

const image = "imagedb/content/sha256/0000";

async function storeOf(root: HostRoot) {
  const { docker } = await readNode(root);
  assert(docker !== undefined);
  return await readStoreFacts(root, docker, { ferry: "/var/lib/ferry", containerd: "/var/lib/containerd" });
}

test("images, their sizes and containers outside Kubernetes", async () => {
  await using host = await hostRootOf(`
== /usr/bin/dockerd
== /var/lib/docker/image/overlay2/${image}
{}
== /var/lib/docker/image/overlay2/repositories.json
{"Repositories":{"app":{"app:1":"sha256:00","app@sha256:11":"sha256:00"}}}
== /var/lib/docker/image/overlay2/layerdb/sha256/aa/size
70
== /var/lib/docker/image/overlay2/layerdb/sha256/bb/size
30
== /var/lib/docker/image/overlay2/layerdb/sha256/cc/size
oops
== /var/lib/docker/containers/1111111111111111111111111111111111111111111111111111111111111111/config.v2.json
{"Name":"/k8s_a_b_c_d_0","State":{"Running":true}}
== /var/lib/docker/containers/2222222222222222222222222222222222222222222222222222222222222222/config.v2.json
{"Name":"/done","State":{"Running":false}}
== /var/lib/docker/containers/3333333333333333333333333333333333333333333333333333333333333333/config.v2.json
{"Name":"/cache","State":{"Running":false}}
== /var/lib/docker/containers/3333333333333333333333333333333333333333333333333333333333333333/hostconfig.json
{"RestartPolicy":{"Name":"always"}}
`);
  assert.deepEqual(await storeOf(host.root), {
    path: "/var/lib/docker",
    drivers: ["overlay2"],
    driver: "overlay2",
    names: ["app:1", "app@sha256:11"],
    layerBytes: 100,
    forecast: undefined,
    besides: ["ferry", "containerd"],
    otherContainers: ["cache"],
  });
});

test("of several drivers the one that Docker was told, else one that can be read", async () => {
  const both = `
== /usr/bin/dockerd
== /var/lib/docker/image/devicemapper/${image}
{}
== /var/lib/docker/image/vfs/${image}
{}
== /var/lib/docker/image/overlay2/
`;
  await using host = await hostRootOf(both);
  assert.deepEqual((await storeOf(host.root)).drivers, ["devicemapper", "vfs"]);
  assert.equal((await storeOf(host.root)).driver, "vfs");
  await using told = await hostRootOf(`${both}== /etc/docker/daemon.json\n{"storage-driver":"devicemapper"}\n`);
  assert.equal((await storeOf(told.root)).driver, undefined, "nobody can read its layers");
});

test("with userns-remap, images are in a directory of the data root", async () => {
  await using host = await hostRootOf(`
== /etc/docker/daemon.json
{"userns-remap":"default","data-root":"/data/docker"}
== /usr/bin/dockerd
== /data/docker/165536.165536/image/overlay2/${image}
{}
`);
  const { path, driver } = await storeOf(host.root);
  assert.deepEqual([path, driver], ["/data/docker/165536.165536", "overlay2"]);
});

test("what images will take is read from their layers, and asked for before anything else", async () => {
  await using host = await hostRootOf(`
== /usr/bin/dockerd
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet
`);
  const tarBytes = await makeDataRoot(join(host.root.directory, "var/lib/docker"));
  const { forecast, besides, names } = await storeOf(host.root);
  assert.deepEqual(names, ["app:1"]);
  assert.deepEqual(besides, ["ferry", "containerd"]);
  assert(forecast !== undefined);
  // Three directories, a file of three blocks in use/, one of one block in etc/; below etc/ nothing is shared.
  assert.deepEqual(forecast.sharable, { bytes: 3 * 4096, inodes: 1 });
  assert.deepEqual(forecast.trees, { bytes: (3 + 4 + 2) * 4096, inodes: 5 + 2 });
  // Zeros, packed, and two documents.
  assert.deepEqual(forecast.archives, { bytes: 3 * 4096, inodes: 1 + 2 });
  for (const [target, bytes] of [
    ["ferry", forecast.trees.bytes - forecast.sharable.bytes + forecast.recipes.bytes],
    ["containerd", forecast.trees.bytes - forecast.sharable.bytes + forecast.archives.bytes],
  ] as const) {
    const kubeletVersion = parseKubernetesVersion("1.23.17");
    const choice = { target, options: defaultPlanOptions, madeAt: "", kubeletVersion };
    const outcome = planNode(await readPlanInput(host.root, undefined, choice));
    assert(outcome.t === "plan");
    const [first] = outcome.plan.steps;
    const room = first?.kind === "preflight" ? first.require.find(({ t }) => t === "free-space") : undefined;
    assert.equal(room?.t === "free-space" ? room.bytes : 0, bytes + reserveBytes, target);
  }
  await rm(join(host.root.directory, "var/lib/docker/overlay2/cache1/diff/use/data"));
  const unread = (await storeOf(host.root)).forecast?.archives;
  assert.deepEqual(unread, { bytes: tarBytes + 2 * 4096, inodes: 1 + 2 }, "as they are, where nobody can try");
});

/** One image of one layer, as Docker keeps it. Answers the size of the layer's archive on disk. */
async function makeDataRoot(root: string): Promise<number> {
  const tree = join(root, "overlay2/cache1/diff");
  await mkdir(join(tree, "etc"), { recursive: true });
  await mkdir(join(tree, "use"));
  await writeFile(join(tree, "etc/config"), "x");
  await writeFile(join(tree, "use/data"), Buffer.alloc(10_000));
  const tar = execFileSync("tar", ["--format=ustar", "-b1", "-C", tree, "-cf", "-", "."]);
  const diffId = digestOf(tar);
  const config = JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } });
  const id = digestOf(Buffer.from(config));
  const record = `layerdb/sha256/${hexOf(diffId)}`;
  const files: Record<string, string | Buffer> = {
    [`imagedb/content/sha256/${hexOf(id)}`]: config,
    "repositories.json": JSON.stringify({ Repositories: { app: { "app:1": id } } }),
    [`${record}/diff`]: diffId,
    [`${record}/cache-id`]: "cache1",
    [`${record}/size`]: "10001",
    [`${record}/tar-split.json.gz`]: splitTar(tar),
  };
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, "image/overlay2", path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, content);
  }
  return Math.ceil(tar.length / 4096) * 4096;
}
