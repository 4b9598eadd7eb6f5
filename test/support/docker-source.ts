import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openDockerEngine } from "./docker-engine.ts";
import { makeDockerImages } from "./docker-images.ts";
import { command } from "./processes.ts";
import { requireBinary, requireRoot } from "./require.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { treeListing } from "./tree-listing.ts";

/** An image as Docker had it. */
export type SourceImage = {
  readonly name: string;
  /** `sha256:…`. */
  readonly id: string;
  readonly diffIds: readonly string[];
  /** What is in its `/etc/says`. */
  readonly says: string;
  /** What `docker export` of a container gives, listed. */
  readonly tree: readonly string[];
};

/** A Docker engine that has images and is stopped. */
export type DockerSource = AsyncDisposable & {
  readonly root: string;
  readonly images: readonly SourceImage[];
  /** A directory of the test's own, on the same filesystem. */
  readonly directory: string;
};

/** Command that prints what an image is. */
export const catSays = ["/bin/cat", "/etc/says"] as const;

/** Runs before the engine stops: more images; answers their names. */
type MoreImages = (host: string, directory: string) => Promise<readonly string[]>;

/** Undefined when the test was skipped, with the reason. */
export async function openDockerSource(t: TestContext, more?: MoreImages): Promise<DockerSource | undefined> {
  if (!requireRoot(t) || !requireBinary(t, "dockerd", "docker", "busybox", "setcap", "setfattr", "tar"))
    return undefined;
  await using undo = new AsyncDisposableStack();
  const docker = await openDockerEngine();
  if (docker.host === undefined) {
    t.skip(`dockerd cannot run here: ${docker.why}`);
    return undefined;
  }
  undo.use(docker);
  const { path: directory } = undo.use(await temporaryDirectory("docker-source"));
  const names = [
    ...(await makeDockerImages(docker.host, directory)),
    ...((await more?.(docker.host, directory)) ?? []),
  ];
  await makeOthers(docker.host, names[0] ?? "");
  const images: SourceImage[] = [];
  for (const name of names) images.push(await describe(docker.host, directory, name));
  await docker.stop();
  const owned = undo.move();
  return { root: docker.root, images, directory, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** A volume, and a container of nobody's pod that has it. */
async function makeOthers(host: string, image: string): Promise<void> {
  const docker = async (...args: string[]) => await command(["docker", "--host", host, ...args]);
  const script = "echo kept > /data/file && chown 12:34 /data/file && chmod 750 /data && chown 56:78 /data";
  const data = ["--volume", "data:/data"];
  await docker("run", "--rm", "--network=none", ...data, image, "/bin/sh", "-c", script);
  await docker("create", "--name", "standalone", "--restart=always", "--network=none", ...data, image);
  await docker("create", "--name", "k8s_c_pod_ns_uid_0", "--network=none", image);
}

async function describe(host: string, directory: string, name: string): Promise<SourceImage> {
  const docker = async (...args: string[]) => (await command(["docker", "--host", host, ...args])).trim();
  const id = await docker("image", "inspect", "-f", "{{.Id}}", name);
  const layers = await docker("image", "inspect", "-f", '{{join .RootFS.Layers " "}}', name);
  const says = await docker("run", "--rm", "--network=none", name, ...catSays);
  const container = await docker("create", name);
  const tree = join(directory, `export-${container.slice(0, 12)}`);
  await mkdir(tree);
  await docker("export", "-o", `${tree}.tar`, container);
  await docker("rm", container);
  await command(["tar", "-C", tree, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", `${tree}.tar`]);
  const listing = await treeListing(tree);
  await command(["rm", "-r", tree, `${tree}.tar`]);
  return { name, id, diffIds: layers.split(" "), says, tree: listing };
}
