import { mkdtemp, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { debianImage } from "#test/support/debian-image.ts";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { openOwnFilesystem, type OwnFilesystem } from "#test/support/own-filesystem.ts";
import { command, timeCommand } from "#test/support/processes.ts";
import type { Row } from "../scenarios/scenario.ts";
import { carriers, peer, type Carrier, type Source } from "./carriers.ts";

const rounds = 3;
const name = "debian:bookworm";
const filesystemBytes = 8 * 2 ** 30;
const pollMs = 10;

/**
 * The Debian image out of Docker's data root, by `ferry migrate images` and by `docker save | ctr images import`, each into a
 * target with nothing in it: time, and how much more of the disk was taken at the worst moment. Docker's data root and the
 * target are all that is on their filesystem, so whatever anybody writes for it counts: temporary copies too.
 */
export async function measureImages(progress: (text: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp("/var/tmp/ferry-bench-images-");
  stack.defer(async () => await rm(directory, { recursive: true, force: true }));
  const filesystem = stack.use(await openOwnFilesystem(directory, filesystemBytes));
  const source = { root: join(filesystem.path, "docker"), image: name };
  await loadDebian(source.root, directory);
  const took: Record<string, number[]> = {};
  const disk: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const carrier of carriers) {
      progress(`images ${round + 1}/${rounds} ${carrier.name}`);
      const { ms, bytes } = await carry(source, carrier, filesystem);
      (took[carrier.name] ??= []).push(ms / 1000);
      (disk[carrier.name] ??= []).push(bytes / 2 ** 20);
    }
  }
  return carriers.flatMap(({ name: to, version }) => (to === peer ? [] : rowsOf({ to, version }, took, disk)));
}

type Samples = Readonly<Record<string, number[]>>;

/** One of ours beside what people do without. */
function rowsOf({ to, version }: { to: string; version: string }, took: Samples, disk: Samples): Row[] {
  const goals = { [peer]: 0.5 };
  const both = (samples: Samples) => ({ ferry: samples[to] ?? [], [peer]: samples[peer] ?? [] });
  return [
    { name: `images ${version}: time`, unit: "s", samples: both(took), goals },
    { name: `images ${version}: peak disk`, unit: "MiB", samples: both(disk), goals },
  ];
}

/** `bytes`: the most that the filesystem had taken beyond what it had at first. */
async function carry(source: Source, carrier: Carrier, filesystem: OwnFilesystem) {
  await using stack = new AsyncDisposableStack();
  const work = await mkdtemp(join(filesystem.path, "work-"));
  stack.defer(async () => await rm(work, { recursive: true, force: true }));
  const target = stack.use(await carrier.open(source, work));
  await command(["sync", "-f", filesystem.path]);
  const before = await filesystem.usedBytes();
  let peak = before;
  const done = new AbortController();
  const ended = timeCommand(target.argv).finally(() => done.abort());
  while (!done.signal.aborted) {
    peak = Math.max(peak, await filesystem.usedBytes());
    await sleep(pollMs);
  }
  return { ms: await ended, bytes: Math.max(peak, await filesystem.usedBytes()) - before };
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
