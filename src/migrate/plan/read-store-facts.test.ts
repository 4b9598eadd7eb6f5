import assert from "node:assert/strict";
import test from "node:test";
import { hostRootOf } from "#test/support/host-root.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readNode } from "../host/read-node.ts";
import { readStoreFacts } from "./read-store-facts.ts";

const image = "imagedb/content/sha256/0000";

async function storeOf(root: HostRoot) {
  const { docker } = await readNode(root);
  assert(docker !== undefined);
  return await readStoreFacts(root, docker);
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
