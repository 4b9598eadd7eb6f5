import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import test, { type TestContext } from "node:test";
import { openCriConnection, type CriConnection } from "#clients/cri/cri-connection.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { chainIdsOf, parseDiffId } from "#core/content/digest.ts";
import { containerRoot } from "#test/support/container-root.ts";
import { openContainerdBed, type ContainerdBed } from "#test/support/containerd-bed.ts";
import { layerListing, layerTrees } from "#test/support/containerd-trees.ts";
import { catSays, openDockerSource, type DockerSource } from "#test/support/docker-source.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { FerryBed, runToEnd } from "#test/support/ferry-bed.ts";
import { makeLargeDockerImages } from "#test/support/large-docker-images.ts";
import {
  assertCarried,
  type Migrated,
  type Migration,
  assertForecast,
  assertProofs,
  diskUse,
  migrate,
  ofTheImage,
} from "#test/support/migrate-images.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";

test("images of a stopped Docker", async (t) => {
  const isLong = process.env["FERRY_TEST_LONG"] !== undefined;
  if (isLong && !requireBinary(t, "skopeo", "debootstrap")) return;
  await using source = await openDockerSource(t, isLong ? makeLargeDockerImages : undefined);
  if (source === undefined) return;
  await t.test("to an OCI layout", async (t) => await toLayout(t, source));
  await t.test("to Ferry", async (t) => await toFerry(t, source));
  await t.test("to containerd", async (t) => await toContainerd(t, source));
  await t.test("a damaged image is left out, the rest goes on", async () => await withDamage(source));
});

/** What {@link catSays} prints in a bundle as umoci made it. */
async function runBundle(bundle: string): Promise<string> {
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as { process: object };
  // Docker's own set has it, and so must a process that runs a file with this capability.
  const capabilities = { bounding: ["CAP_NET_RAW"], permitted: ["CAP_NET_RAW"], effective: ["CAP_NET_RAW"] };
  const settings = { ...config.process, args: catSays, terminal: false, capabilities };
  await writeFile(path, JSON.stringify({ ...config, process: settings }));
  return (await command(["crun", "--cgroup-manager=disabled", "run", "--bundle", bundle, basename(bundle)])).trim();
}

async function toLayout(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, "umoci", "crun")) return;
  const layout = join(source.directory, "layout");
  const first = await migrate(source, `oci:${layout}`);
  assertCarried(first, source.images);
  assertForecast(first, await diskUse(layout));
  for (const { name, tree, says } of source.images) {
    const bundle = await mkdtemp(join(source.directory, "bundle-"));
    await rm(bundle, { recursive: true });
    await command(["umoci", "unpack", "--image", `${layout}:${name}`, bundle]);
    const unpacked = await treeListing(join(bundle, "rootfs"));
    assert.deepEqual(ofTheImage(unpacked), ofTheImage(tree), name);
    // Docker's export leaves it out; the layer has it.
    if (name.includes("base")) assert.ok(unpacked.includes('# file: ./etc/says\nuser.ferry="kept"'));
    assert.equal(await runBundle(bundle), says);
  }
  const before = await readdir(join(layout, "blobs/sha256"));
  assertCarried(await migrate(source, `oci:${layout}`), source.images);
  assert.deepEqual(await readdir(join(layout, "blobs/sha256")), before, "a second run finds everything there");
}

async function toFerry(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, "conmon")) return;
  await using ferry = await FerryBed.open();
  const before = await diskUse(source.root, ferry.root);
  const host = ["--host", `unix://${ferry.socket}`];
  const first = await migrate(source, "ferry", "--volumes", ...host);
  assertCarried(first, source.images);
  const after = await diskUse(source.root, ferry.root);
  await assertOthers(first, ferry);
  assertForecast(first, { bytes: after.bytes - before.bytes, inodes: after.inodes - before.inodes });
  for (const { name, id, says, tree } of source.images) {
    const pods = ["-n", "k8s.io"];
    assert.equal(await ferry.run(...pods, "image", "inspect", "-f", "{{.Id}}", name), id);
    assert.equal(await ferry.run(...pods, "run", "--rm", "--network", "none", name, ...catSays), says);
    const look = ["run", "-d", "--name", "look", "--network", "none", name, "/bin/sleep", "100"];
    await ferry.run(...pods, ...look);
    assert.deepEqual(
      ofTheImage(await treeListing(await containerRoot(ferry, "look", "k8s.io"))),
      ofTheImage(tree),
      name,
    );
    await ferry.run(...pods, "rm", "-f", "look");
  }
  const again = await migrate(source, "ferry", "--volumes", ...host);
  assertCarried(again, source.images);
  assert.deepEqual(
    again.answer?.volumes.map(({ how }) => how),
    ["kept"],
  );
}

async function assertOthers({ answer }: Migration, ferry: FerryBed): Promise<void> {
  const volumes = answer?.volumes.map(({ name, uid, usedBy, how }) => ({ name, uid, usedBy, how }));
  assert.deepEqual(volumes, [{ name: "data", uid: 56, usedBy: ["standalone"], how: "carried" }]);
  const containers = answer?.containers.map(({ name, restartPolicy, volumes: mounted }) => [
    name,
    restartPolicy,
    mounted,
  ]);
  assert.deepEqual(containers, [["standalone", "always", ["data"]]]);
  const directory = await ferry.run("volume", "inspect", "-f", "{{.Mountpoint}}", "data");
  const facts = await command(["stat", "-c", "%a %u:%g", directory, join(directory, "file")]);
  assert.equal(facts, "750 56:78\n644 12:34\n");
  assert.equal(await readFile(join(directory, "file"), "utf8"), "kept\n");
}

async function toContainerd(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, "containerd", "ctr", "runc")) return;
  await using containerd = await openContainerdBed({ sandboxImage: "ferry.test/pause:1" });
  const to = `containerd:${containerd.socket}`;
  const before = await diskUse(source.root, containerd.root);
  const first = await migrate(source, to);
  assertCarried(first, source.images);
  const after = await diskUse(source.root, containerd.root);
  assertForecast(first, { bytes: after.bytes - before.bytes, inodes: after.inodes - before.inodes });
  using cri = await openCriConnection({ signal: AbortSignal.timeout(600_000) }, containerd.socket);
  const { images } = await cri.images.listImages({});
  const listed = images.map(({ id, repoTags, pinned }) => ({ id, name: repoTags[0], pinned }));
  const byName = (a: { name: string | undefined }, b: typeof a) => (a.name ?? "").localeCompare(b.name ?? "");
  // containerd 1.6 does not show pins; its label is there for those that do.
  const expected = source.images.map(({ id, name }) => ({ id, name, pinned: false }));
  assert.deepEqual(listed.toSorted(byName), expected.toSorted(byName));
  for (const { name, says, tree } of source.images) {
    assert.equal(await containerd.ctr("run", "--rm", name, "says", ...catSays), says);
    const mounted = await mkdtemp(join(source.directory, "mounted-"));
    await containerd.ctr("images", "mount", name, mounted);
    try {
      assert.deepEqual(ofTheImage(await treeListing(mounted)), ofTheImage(tree), name);
    } finally {
      await containerd.ctr("images", "unmount", "--rm", mounted);
    }
  }
  assert.equal(await runPod(cri, source.directory, "ferry.test/layered:1"), "layered\n");
  assertCarried(await migrate(source, to), source.images);
  await shareFromMoby(source, containerd);
  await asContainerdMakesThem(source, containerd, first);
}

/** Each layer's own tree, beside the one that containerd makes of the same archive. */
async function asContainerdMakesThem({ images }: DockerSource, containerd: ContainerdBed, { answer }: Migration) {
  const files = new Set(answer?.images.flatMap(({ layers }) => layers.map((layer) => layer.files)));
  // An image's lower layers are there with the image before.
  assert.deepEqual(files, new Set(["shared", undefined]));
  for (const { name, diffIds } of images) {
    const chain = chainIdsOf(diffIds.map(parseDiffId)).at(-1) ?? "";
    const ours = await layerTrees(containerd, "k8s.io", chain);
    const theirs = await layerTrees(containerd, "shared", chain);
    assert.equal(ours.length, diffIds.length);
    for (const [at, tree] of ours.entries()) {
      assert.notEqual(tree, theirs[at]);
      assert.deepEqual(await layerListing(tree), await layerListing(theirs[at] ?? ""), `${name}, ${at} from the top`);
    }
  }
}

/** As Docker 29 keeps them: in another namespace of the same containerd. */
async function shareFromMoby({ images, directory }: DockerSource, containerd: ContainerdBed): Promise<void> {
  const archive = join(directory, "layout.tar");
  await command(["tar", "-C", join(directory, "layout"), "-cf", archive, "."]);
  await containerd.ctr("-n", "moby", "images", "import", "--no-unpack", archive);
  const blobs = join(containerd.root, "io.containerd.content.v1.content");
  const before = await diskUse(blobs);
  const at = `containerd:${containerd.socket}`;
  const words = ["migrate", "images", "--from", at, "--to", at, "--namespace", "shared", "--format", "json"];
  const { code, stdout, stderr } = await runToEnd(["bin/ferry", ...words]);
  assert.equal(code, 0, stderr);
  assertProofs(JSON.parse(stdout) as Migrated, images);
  // The archive's own index goes meanwhile.
  assert.ok((await diskUse(blobs)).bytes <= before.bytes, "no blob is copied");
  for (const { name } of images) await containerd.ctr("-n", "moby", "images", "rm", "--sync", name);
  for (const { name, says } of images) {
    assert.equal(await containerd.ctr("-n", "shared", "run", "--rm", name, "says", ...catSays), says);
  }
}

/** What a pod's container writes, run as a kubelet would. */
async function runPod({ runtime }: CriConnection, directory: string, image: string): Promise<string> {
  const metadata = { name: "pod", namespace: "default", uid: "uid", attempt: 0 };
  const logDirectory = join(directory, "logs");
  await mkdir(logDirectory);
  const linux = { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } };
  const sandboxConfig = { metadata, logDirectory, linux };
  const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });
  const config = { metadata: { name: "container", attempt: 0 }, image: { image }, logPath: "log" };
  const { containerId } = await runtime.createContainer({ podSandboxId, config, sandboxConfig });
  await runtime.startContainer({ containerId });
  const state = async () => (await runtime.containerStatus({ containerId })).status?.state;
  await eventuallyEqual(state, ContainerState.CONTAINER_EXITED);
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
  return (await readFile(join(logDirectory, "log"), "utf8")).replaceAll(/^\S+ stdout F /gm, "");
}

async function withDamage(source: DockerSource): Promise<void> {
  const [victim] = (await command(["find", join(source.root, "overlay2"), "-name", "fresh"])).trim().split("\n");
  assert.ok(victim);
  await truncate(victim, 1);
  const { code, answer } = await migrate(source, `oci:${join(source.directory, "damaged")}`);
  assert.equal(code, 3);
  assert.deepEqual(
    answer?.leftOut.map(({ problem }) => /usr\/share\/fresh": 1 bytes, its layer says 6/.test(problem)),
    [true],
  );
  assertProofs(
    answer,
    source.images.filter(({ name }) => !name.includes("emptied")),
  );
}
