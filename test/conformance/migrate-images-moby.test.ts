import assert from "node:assert/strict";
import test from "node:test";
import { openCriConnection } from "#clients/cri/cri-connection.ts";
import { testCall } from "#test/support/call.ts";
import { openContainerdBed } from "#test/support/containerd-bed.ts";
import { containerdBinary, containerdVersion, ctrBinary } from "#test/support/containerd.ts";
import { openDockerEngine, otherDockerd } from "#test/support/docker-engine.ts";
import { makeDockerImages } from "#test/support/docker-images.ts";
import { catSays } from "#test/support/docker-source.ts";
import { runToEnd } from "#test/support/ferry-bed.ts";
import type { Migrated } from "#test/support/migrate-images.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const sandboxImage = "ferry.test/pause:1";

test("images that a real Docker keeps in containerd become the kubelet's, and stay when Docker's go", async (t) => {
  if (otherDockerd === undefined) return t.skip("needs dockerd 24 or later: FERRY_TEST_DOCKERD names one");
  const needed = [otherDockerd, "docker", containerdBinary, ctrBinary, "runc", "busybox", "setcap", "setfattr", "tar"];
  if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
  await using undo = new AsyncDisposableStack();
  const { path: directory } = undo.use(await temporaryDirectory("moby"));
  const containerd = undo.use(await openContainerdBed({ sandboxImage }));
  const docker = await openDockerEngine({ program: otherDockerd, containerd: containerd.socket });
  if (docker.host === undefined) return t.skip(`dockerd cannot run here: ${docker.why}`);
  undo.use(docker);
  const says = new Map<string, string>();
  for (const name of await makeDockerImages(docker.host, directory)) {
    const run = ["run", "--rm", "--network=none", name, ...catSays];
    says.set(name, (await command(["docker", "--host", docker.host, ...run])).trim());
  }
  await docker.stop();

  const at = `containerd:${containerd.socket}`;
  const words = ["bin/ferry", "migrate", "images", "--from", at, "--to", at, "--format", "json"];
  const share = async () => {
    const { code, stdout, stderr } = await runToEnd(words);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as Migrated).images;
  };
  const images = await share();
  const present = ({ diffId }: { diffId: string }) => ({ diffId, how: "present" });
  const again = images.map((image) => ({ ...image, layers: image.layers.map(present) }));
  assert.deepEqual(await share(), again, "a second run finds everything there");
  using cri = await openCriConnection(testCall(), containerd.socket);
  const byId = new Map((await cri.images.listImages({})).images.map((image) => [image.id, image]));
  assert.equal(byId.size, says.size);
  const showsPins = !(await containerdVersion()).startsWith("1.6.");
  for (const { id, names, manifest } of images) {
    const [name = "", byDigest = ""] = names;
    const repository = name.slice(0, name.lastIndexOf(":"));
    assert.deepEqual(names, [name, `${repository}@${manifest}`, id]);
    const { repoTags, repoDigests, pinned } = byId.get(id) ?? {};
    const isPinned = showsPins && name === sandboxImage;
    assert.deepEqual(
      { repoTags, repoDigests, pinned },
      { repoTags: [name], repoDigests: [byDigest], pinned: isPinned },
    );
    await containerd.ctr("-n", "moby", "images", "rm", "--sync", name);
  }
  // As the guide has it, for the time after Docker.
  for (const lease of (await containerd.ctr("-n", "moby", "leases", "ls", "-q")).split("\n").filter(Boolean))
    await containerd.ctr("-n", "moby", "leases", "rm", "--sync", lease);
  assert.doesNotMatch(await containerd.ctr("-n", "moby", "snapshots", "ls"), /sha256:/, "their trees have gone");
  for (const [name, text] of says) assert.equal(await containerd.ctr("run", "--rm", name, "says", ...catSays), text);
});
