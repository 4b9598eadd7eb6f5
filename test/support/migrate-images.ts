import assert from "node:assert/strict";
import { join } from "node:path";
import { runToEnd } from "./ferry-bed.ts";
import type { DockerSource, SourceImage } from "./docker-source.ts";
import { command } from "./processes.ts";

type MigratedLayer = { readonly diffId: string; readonly how: string; readonly files?: string };

/** What `ferry migrate images --format json` prints. */
export type Migrated = {
  readonly forecast: { path: string; bytes: number; inodes: number; notes?: string[] }[];
  readonly images: { id: string; names: string[]; manifest: string; layers: MigratedLayer[] }[];
  readonly leftOut: { id: string; problem: string }[];
  readonly volumes: { name: string; uid: number; usedBy: string[]; how: string }[];
  readonly containers: { name: string; restartPolicy: string; volumes: string[] }[];
};

export type Migration = {
  readonly code: number | null;
  readonly stderr: string;
  readonly answer: Migrated | undefined;
};

/** Command line of a migration with a journal for each target. */
export function migrateCommand({ root, directory }: DockerSource, to: string, ...more: string[]): string[] {
  const journal = join(directory, `journal-${[to, ...more].join().replaceAll(/\W/g, "")}`);
  return [
    "bin/ferry",
    "migrate",
    "images",
    "--from",
    root,
    "--to",
    to,
    "--journal",
    journal,
    "--format",
    "json",
    ...more,
  ];
}

export async function migrate(source: DockerSource, to: string, ...more: string[]): Promise<Migration> {
  const { code, stdout, stderr } = await runToEnd(migrateCommand(source, to, ...more), { timeoutMs: 1_800_000 });
  return { code, stderr, answer: stdout === "" ? undefined : (JSON.parse(stdout) as Migrated) };
}

/** Everything a proof says, against what Docker said before it was stopped. */
export function assertCarried({ code, answer, stderr }: Migration, images: readonly SourceImage[]): void {
  assert.equal(code, 0, `${stderr}${JSON.stringify(answer?.leftOut)}`);
  assertProofs(answer, images);
}

export function assertProofs(answer: Migrated | undefined, images: readonly SourceImage[]): void {
  const facts = (answer?.images ?? []).map(({ id, names, layers }) => {
    return { id, named: names.length > 0, diffIds: layers.map(({ diffId }) => diffId) };
  });
  const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
  const expected = images.map(({ id, diffIds }) => ({ id, named: true, diffIds }));
  assert.deepEqual(facts.toSorted(byId), expected.toSorted(byId));
}

/** Disk blocks and inodes of trees together: what they share counts once. */
export async function diskUse(...paths: string[]): Promise<{ bytes: number; inodes: number }> {
  const total = async (...options: string[]) => {
    const lines = (await command(["du", "-s", "-c", ...options, ...paths])).trim().split("\n");
    return Number.parseInt(lines.at(-1) ?? "", 10);
  };
  return { bytes: await total("--block-size=1"), inodes: await total("--inodes") };
}

/** Whether a forecast is what came, within `percent` or, where little is at stake, a few blocks. */
export function assertForecast({ answer }: Migration, came: { bytes: number; inodes: number }, percent = 5): void {
  const [forecast] = answer?.forecast ?? [];
  assert.ok(forecast);
  for (const kind of ["bytes", "inodes"] as const) {
    const slack = kind === "bytes" ? 256 * 1024 : 40;
    const off = Math.abs(forecast[kind] - came[kind]);
    assert.ok(
      off <= Math.max((came[kind] * percent) / 100, slack),
      `${kind}: ${forecast[kind]} forecast, ${came[kind]} came`,
    );
  }
}

/**
 * What Docker's export of a container can tell of the image: whole seconds, no xattrs but capabilities; not the files
 * that an engine puts into a container, nor the root and the directories that have them, nor how many links an inode has
 * elsewhere. And no capabilities of perl, which has two names: Docker 20.10 loses those of a file with several.
 */
export function ofTheImage(listing: readonly string[]): string[] {
  const ofEngines = /\.\/(?:\.dockerenv|etc\/(?:hosts|hostname|resolv\.conf|mtab)|dev\/(?:console|pts|shm|mqueue))\b/;
  return listing
    .filter((line) => !/^\.\|d\||^\.\/(?:etc|dev|sys|proc)\|d\|/.test(line) && !ofEngines.test(line))
    .map((line) => line.replace(/\.\d{10}(\||$)/, "$1").replaceAll(/\nuser\..*/g, ""))
    .map((line) => line.replace(/^(.*\|[fl]\|.*)\|\d+\|(\d+)$/, "$1|$2"))
    .filter((line) => !line.startsWith("# file: ") || (line.includes("\n") && !/^.*\/perl/.test(line)));
}
