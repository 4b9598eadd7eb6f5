import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Where made images wait for the next run; debootstrap takes a minute or more. */
const cacheDirectory = "/var/cache/ferry-test";

/** What goes into which layer, lowest first, as paths of the tree. */
const layerPaths = [["usr/lib", "usr/lib64", "usr/libexec"], ["usr/share", "usr/include"], ["."]];

/**
 * A Debian system with python3, perl and git as an OCI layout of three gzip'd layers, 13,000 files.
 *
 * Made by debootstrap and GNU tar, not by our own code. Answers the layout's directory and the tag in it.
 */
export async function debianImage(): Promise<{ layout: string; tag: string }> {
  const layout = join(cacheDirectory, "debian-oci");
  if (existsSync(join(layout, "index.json"))) return { layout, tag: "bookworm" };
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, "work-"));
  try {
    const tree = await debianTree(work);
    await writeLayout(join(work, "layout"), tree);
    await rename(join(work, "layout"), layout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return { layout, tag: "bookworm" };
}

async function debianTree(work: string): Promise<string> {
  const tree = join(work, "tree");
  const include = "--include=python3,perl,git,ca-certificates";
  await execute("debootstrap", ["--variant=minbase", include, "bookworm", tree], { maxBuffer: 1 << 26 });
  await rm(join(tree, "var/cache/apt"), { recursive: true, force: true });
  await rm(join(tree, "var/lib/apt/lists"), { recursive: true, force: true });
  // Things a tree must not lose on its way: file capabilities, user xattrs, hard links, odd modes, devices.
  await execute("setcap", ["cap_net_raw+ep", join(tree, "usr/bin/perl")]);
  await execute("setfattr", ["-n", "user.ferry", "-v", "kept", join(tree, "etc/debian_version")]);
  return tree;
}

const tarOptions = [
  "--numeric-owner",
  "--format=pax",
  "--pax-option=delete=atime,delete=ctime",
  "--xattrs",
  "--xattrs-include=*",
  "--sort=name",
];

type Blob = { mediaType: string; digest: string; size: number };

async function writeLayout(layout: string, tree: string): Promise<void> {
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const layers: Blob[] = [];
  const diffIds: string[] = [];
  for (const [index, paths] of layerPaths.entries()) {
    const excluded = paths[0] === "." ? layerPaths.slice(0, -1).flat() : [];
    const tar = join(layout, `layer-${index}.tar`);
    const present = paths.filter((path) => existsSync(join(tree, path)));
    const exclude = excluded.map((path) => `--exclude=./${path}/*`);
    const members = present.map((path) => (path === "." ? "." : `./${path}`));
    await execute("tar", ["-C", tree, ...tarOptions, ...exclude, "-cf", tar, ...members]);
    diffIds.push(await fileDigest(tar));
    await execute("gzip", ["-6", "-n", tar]);
    layers.push(await addBlob(layout, `${tar}.gz`, "application/vnd.oci.image.layer.v1.tar+gzip"));
  }
  const config = await addJson(layout, "application/vnd.oci.image.config.v1+json", {
    created: "2026-01-01T00:00:00Z",
    architecture: "amd64",
    os: "linux",
    config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["bash"] },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map((_, index) => ({ created: "2026-01-01T00:00:00Z", created_by: `layer ${index}` })),
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await addJson(layout, mediaType, { schemaVersion: 2, mediaType, config, layers });
  const annotations = { "org.opencontainers.image.ref.name": "bookworm" };
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
}

async function addJson(layout: string, mediaType: string, value: unknown): Promise<Blob> {
  const path = join(layout, "new.json");
  await writeFile(path, JSON.stringify(value));
  return await addBlob(layout, path, mediaType);
}

async function addBlob(layout: string, path: string, mediaType: string): Promise<Blob> {
  const digest = await fileDigest(path);
  const { size } = await stat(path);
  await rename(path, join(layout, "blobs/sha256", digest.slice("sha256:".length)));
  return { mediaType, digest, size };
}

async function fileDigest(path: string): Promise<string> {
  return `sha256:${createHash("sha256")
    .update(await readFile(path))
    .digest("hex")}`;
}
