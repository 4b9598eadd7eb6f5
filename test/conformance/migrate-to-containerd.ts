import assert from "node:assert/strict";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openCriConnection, type CriConnection } from "#clients/cri/cri-connection.ts";
import { chainIdsOf, parseDiffId } from "#core/content/digest.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { containerdBinary, containerdVersion, ctrBinary } from "#test/support/containerd.ts";
import { openContainerdBed, type ContainerdBed } from "#test/support/containerd-bed.ts";
import { layerListing, layerTrees } from "#test/support/containerd-trees.ts";
import { catSays, type DockerSource } from "#test/support/docker-source.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { runToEnd } from "#test/support/ferry-bed.ts";
import {
  assertCarried,
  assertForecast,
  assertProofs,
  diskUse,
  migrate,
  ofTheImage,
  type Migrated,
  type Migration,
} from "#test/support/migrate-images.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary } from "#test/support/require.ts";
import { treeListing } from "#test/support/tree-listing.ts";

const sandboxImage = "ferry.test/pause:1";

/** Images of a stopped Docker into containerd: run, compared, found again, and where it goes another way. */
export async function toContainerd(t: TestContext, source: DockerSource): Promise<void> {
  if (!requireBinary(t, containerdBinary, ctrBinary, "runc")) return;
  await using containerd = await openContainerdBed({ sandboxImage });
  const to = `containerd:${containerd.socket}`;
  const before = await diskUse(source.root, containerd.root);
  const sinceMs = Date.now();
  const first = await migrate(source, to);
  assertCarried(first, source.images);
  const after = await diskUse(source.root, containerd.root);
  assertForecast(first, { bytes: after.bytes - before.bytes, inodes: after.inodes - before.inodes });
  await assertListed(source, containerd);
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
  await assertPodRuns(source, containerd);
  assertCarried(await migrate(source, to), source.images);
  await shareFromMoby(source, containerd);
  await asContainerdMakesThem(source, containerd, { first, sinceMs });
  await unpackedWhereApart(source);
  await byAnotherSnapshotter(source);
  await withDamage(source, containerd);
  await collectedAndRestarted(source, containerd);
}

/** What the CRI plugin shows to a kubelet. */
async function assertListed({ images }: DockerSource, { socket }: ContainerdBed): Promise<void> {
  // containerd 1.6 does not show pins; its label is there for those that do.
  const showsPins = !(await containerdVersion()).startsWith("1.6.");
  using cri = await openCriConnection({ signal: AbortSignal.timeout(600_000) }, socket);
  const listed = (await cri.images.listImages({})).images.map((image) => {
    return { id: image.id, name: image.repoTags[0], pinned: image.pinned };
  });
  const byName = (a: { name: string | undefined }, b: typeof a) => (a.name ?? "").localeCompare(b.name ?? "");
  const expected = images.map(({ id, name }) => ({ id, name, pinned: showsPins && name === sandboxImage }));
  assert.deepEqual(listed.toSorted(byName), expected.toSorted(byName));
}

/** Garbage collection finds whatever an image needs, and so does a daemon that starts anew. */
async function collectedAndRestarted(source: DockerSource, containerd: ContainerdBed): Promise<void> {
  const state = async () => [await containerd.ctr("content", "ls", "-q"), await containerd.ctr("snapshots", "ls")];
  const before = await state();
  // The end of a lease is what sets it off.
  await containerd.ctr("leases", "create", "--id", "collect");
  await containerd.ctr("leases", "delete", "--sync", "collect");
  await containerd.restart();
  assert.deepEqual(await state(), before);
  await assertListed(source, containerd);
  // Archives of what is unpacked go, as an administrator may ask for: nothing that runs needs them.
  await containerd.ctr("content", "prune", "references");
  const [blobs = "", snapshots] = await state();
  assert.ok(blobs.length < (before[0] ?? "").length);
  assert.equal(snapshots, before[1]);
  for (const { name, says } of source.images)
    assert.equal(await containerd.ctr("run", "--rm", name, "says", ...catSays), says);
  await assertPodRuns(source, containerd);
}

/** The one that its CRI plugin has, whichever way a version tells of it. */
async function byAnotherSnapshotter(source: DockerSource): Promise<void> {
  await using containerd = await openContainerdBed({ sandboxImage, snapshotter: "native" });
  const carried = await migrate(source, `containerd:${containerd.socket}`);
  assertCarried(carried, source.images);
  assert.match(carried.answer?.forecast[0]?.notes?.[0] ?? "", /layers are unpacked: its snapshotter is native/);
  assert.doesNotMatch(await containerd.ctr("snapshots", "--snapshotter", "overlayfs", "ls"), /sha256:/);
  await assertPodRuns(source, containerd);
}

/** As while Docker runs: no file can be linked from one mount to another. */
async function unpackedWhereApart(source: DockerSource): Promise<void> {
  await using containerd = await openContainerdBed({ sandboxImage });
  const trees = join(source.root, "overlay2");
  await command(["mount", "--bind", trees, trees]);
  try {
    const before = await diskUse(containerd.root);
    const apart = await migrate(source, `containerd:${containerd.socket}`);
    assertCarried(apart, source.images);
    const after = await diskUse(containerd.root);
    assert.match(apart.answer?.forecast[0]?.notes?.[0] ?? "", /layers are unpacked: .* on another mount than/);
    assert.deepEqual(filesOf(apart), new Set(["unpacked", undefined]));
    assertForecast(apart, { bytes: after.bytes - before.bytes, inodes: after.inodes - before.inodes });
  } finally {
    await command(["umount", trees]);
  }
}

/** The image is left out, and nothing of it stays but what the others have too. */
async function withDamage(source: DockerSource, containerd: ContainerdBed): Promise<void> {
  const [victim = ""] = (await command(["find", join(source.root, "overlay2"), "-name", "fresh"])).trim().split("\n");
  const content = await readFile(victim);
  await writeFile(victim, "other\n");
  try {
    const to = [`containerd:${containerd.socket}`, "--namespace", "damaged"] as const;
    const { code, answer } = await migrate(source, ...to);
    assert.equal(code, 3);
    assert.deepEqual(
      answer?.leftOut.map(({ problem }) => /its files make sha256:\S+; changed: usr\/share\/fresh/.test(problem)),
      [true],
    );
    assert.equal(await containerd.ctr("-n", "damaged", "leases", "ls", "-q"), "");
    const names = await containerd.ctr("-n", "damaged", "images", "ls", "-q");
    assert.doesNotMatch(names, /emptied/);
    assertProofs(
      answer,
      source.images.filter(({ name }) => !name.includes("emptied")),
    );
  } finally {
    await writeFile(victim, content);
  }
}

function filesOf({ answer }: Migration): Set<string | undefined> {
  return new Set(answer?.images.flatMap(({ layers }) => layers.map((layer) => layer.files)));
}

type Carried = { readonly first: Migration; readonly sinceMs: number };

/** Each layer's own tree, beside the one that containerd makes of the same archive. */
async function asContainerdMakesThem({ images }: DockerSource, containerd: ContainerdBed, { first, sinceMs }: Carried) {
  // An image's lower layers are there with the image before.
  assert.deepEqual(filesOf(first), new Set(["shared", undefined]));
  for (const { name, diffIds } of images) {
    const chain = chainIdsOf(diffIds.map(parseDiffId)).at(-1) ?? "";
    const ours = await layerTrees(containerd, "k8s.io", chain);
    const theirs = await layerTrees(containerd, "shared", chain);
    assert.equal(ours.length, diffIds.length);
    for (const [at, tree] of ours.entries()) {
      assert.notEqual(tree, theirs[at]);
      const expected = await layerListing(theirs[at] ?? "", sinceMs);
      assert.deepEqual(await layerListing(tree, sinceMs), expected, `${name}, ${at} from the top`);
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
  const listed = await containerd.ctr("-n", "shared", "images", "ls");
  assert.match(listed, /^ferry\.test\/base@sha256:/m);
  // containerd 2 pins by itself what its own namespace has.
  if ((await containerdVersion()).startsWith("1.")) assert.match(listed, /^ferry\.test\/pause:1 .*pinned=pinned/m);
  for (const { name } of images) await containerd.ctr("-n", "moby", "images", "rm", "--sync", name);
  for (const { name, says } of images) {
    assert.equal(await containerd.ctr("-n", "shared", "run", "--rm", name, "says", ...catSays), says);
  }
}

async function assertPodRuns({ directory }: DockerSource, { socket }: ContainerdBed): Promise<void> {
  using cri = await openCriConnection({ signal: AbortSignal.timeout(600_000) }, socket);
  assert.equal(await runPod(cri, directory, "ferry.test/layered:1"), "layered\n");
}

/** What a pod's container writes, run as a kubelet would. */
async function runPod({ runtime }: CriConnection, directory: string, image: string): Promise<string> {
  const metadata = { name: "pod", namespace: "default", uid: "uid", attempt: 0 };
  const logDirectory = await mkdtemp(join(directory, "logs-"));
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
