import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { debianImage } from "#test/support/debian-image.ts";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { diskUse } from "#test/support/migrate-images.ts";
import { command, timeCommand } from "#test/support/processes.ts";
import type { Row } from "../scenarios/scenario.ts";
import { carriers, type Carrier, type Source } from "./carriers.ts";

const rounds = 3;
const name = "debian:bookworm";

/**
 * The Debian image out of Docker's data root, by `ferry migrate images` and by `docker save | ctr images import`, each into a
 * target with nothing in it: time, and how much more of the disk was taken at the worst moment.
 */
export async function measureImages(progress: (text: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp("/var/tmp/ferry-bench-images-");
  stack.defer(async () => await rm(directory, { recursive: true, force: true }));
  const source = { root: join(directory, "docker"), image: name };
  await loadDebian(source.root, directory);
  const took: Record<string, number[]> = {};
  const disk: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const carrier of carriers) {
      progress(`images ${round + 1}/${rounds} ${carrier.name}`);
      (took[carrier.name] ??= []).push((await timeOne(source, carrier, directory)) / 1000);
    }
  }
  for (const carrier of carriers) {
    progress(`images, disk ${carrier.name}`);
    disk[carrier.name] = [(await peakOf(source, carrier, directory)) / 2 ** 20];
  }
  const goals = { "save|import": 0.5 };
  return [
    { name: "images out of Docker: time", unit: "s", samples: took, goals },
    { name: "images out of Docker: peak disk", unit: "MiB", samples: disk, goals },
  ];
}

async function timeOne(source: Source, carrier: Carrier, directory: string): Promise<number> {
  const work = await mkdtemp(join(directory, "work-"));
  await using target = await carrier.open(source, work);
  await command(["sync"]);
  return await timeCommand(target.argv);
}

/** The most that source and target together took beyond what they had at first; what they share counts once. */
async function peakOf(source: Source, carrier: Carrier, directory: string): Promise<number> {
  const work = await mkdtemp(join(directory, "work-"));
  await using target = await carrier.open(source, work);
  const used = async () => (await diskUse(source.root, target.root)).bytes;
  const before = await used();
  let peak = before;
  const done = new AbortController();
  const ended = command(target.argv).finally(() => done.abort());
  // Files come and go while du looks; the next look tells.
  while (!done.signal.aborted) peak = Math.max(peak, await used().catch(() => 0));
  await ended;
  return Math.max(peak, await used()) - before;
}

async function loadDebian(root: string, directory: string): Promise<void> {
  const docker = await openDockerEngine({ root });
  if (docker.host === undefined) throw new Error(`dockerd: ${docker.why}`);
  await using _engine = docker;
  const { layout, tag } = await debianImage();
  const archive = join(directory, "debian.tar");
  await command(["skopeo", "copy", "-q", `oci:${layout}:${tag}`, `docker-archive:${archive}:${name}`]);
  await command(["docker", "--host", docker.host, "load", "-q", "-i", archive]);
  await rm(archive);
}
