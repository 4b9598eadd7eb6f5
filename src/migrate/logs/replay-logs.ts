import { createWriteStream } from "node:fs";
import { chmod, lstat, mkdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { errnoOf } from "#base/errors.ts";
import { convertLog, noLines, type ConvertedLog } from "./convert-log.ts";
import type { DockerPodLog } from "./docker-logs.ts";
import { jsonFileToCri } from "./json-file-to-cri.ts";
import { openLog } from "./log-files.ts";

export type Replayed = {
  readonly from: string;
  readonly to: string;
  /** `kept`: a file of the kubelet's own stands there, and is left alone. */
  readonly outcome: "written" | "kept";
  readonly counts: ConvertedLog;
};

/**
 * Writes a container's Docker logs in CRI format where the kubelet looks for them, so that `kubectl logs` and collectors
 * find them when Docker is gone. Under dockershim a link into Docker's data root stands there; it is replaced.
 *
 * A file is written beside its place and renamed: it is there whole or not at all, and a second run goes on.
 */
export async function* replayLogs(log: DockerPodLog, podsDirectory: string): AsyncGenerator<Replayed> {
  const newest = log.files.length - 1;
  for (const [index, from] of log.files.entries()) {
    const { mtime } = await stat(from);
    const name = index === newest ? `${log.restarts}.log` : rotatedName(log.restarts, mtime, newest - index);
    const to = join(podsDirectory, log.directory, name);
    if (await isOwnFile(to)) yield { from, to, outcome: "kept", counts: noLines() };
    else yield { from, to, outcome: "written", counts: await writeLog(from, to, mtime) };
  }
}

/** As the kubelet names a rotated file. `age` keeps names apart whose files ended in the same second. */
function rotatedName(restarts: number, mtime: Date, age: number): string {
  const stamp = new Date(mtime.getTime() - age * 1000).toISOString().replaceAll(/[-:]|\..*/g, "");
  return `${restarts}.log.${stamp.replace("T", "-")}.gz`;
}

async function isOwnFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function writeLog(from: string, to: string, mtime: Date): Promise<ConvertedLog> {
  const counts = noLines();
  const temporary = `${to}.ferry-partial`;
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  try {
    const converted = convertLog(
      openLog(from),
      jsonFileToCri(() => {}),
      counts,
    );
    const file = createWriteStream(temporary, { mode: 0o640, flush: true });
    if (to.endsWith(".gz")) await pipeline(converted, createGzip(), file);
    else await pipeline(converted, file);
    await chmod(temporary, 0o640);
    await utimes(temporary, mtime, mtime);
    await rename(temporary, to);
  } finally {
    await rm(temporary, { force: true });
  }
  return counts;
}
