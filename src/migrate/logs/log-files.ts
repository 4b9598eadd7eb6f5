import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { decompressed } from "#base/decompress.ts";
import { EngineError, errnoOf } from "#base/errors.ts";

/** Docker's `<id>-json.log`, `.1`, `.2.gz`; higher numbers are older. */
const dockerName = /-json\.log(?:\.(\d+))?(?:\.gz)?$/;
/** The kubelet's `0.log`, `0.log.20060102-150405`, also `.gz`; a container's restarts count up. */
const kubeletName = /^(\d+)\.log(?:\.(\d{8}-\d{6}))?(?:\.gz)?$/;

/** More than this from one file is no log but a bomb. */
const mostBytes = 2 ** 40;

/**
 * The files of a log, oldest first: a file itself, or those of a container's directory as Docker or the kubelet names them.
 *
 * @throws notFound when `path` is absent or a directory without a log
 */
export async function listLogFiles(path: string): Promise<string[]> {
  if (!(await statOf(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => ageOf(name) !== undefined);
  if (names.length === 0) throw new EngineError("notFound", `${path}: no log of Docker's or the kubelet's in it`);
  return names.sort((a, b) => compareAges(ageOf(a) ?? [], ageOf(b) ?? [])).map((name) => join(path, name));
}

/** A log's bytes, unpacked when it is gzip'd. */
export function openLog(path: string): AsyncIterable<Uint8Array> {
  return decompressed(createReadStream(path, { highWaterMark: 256 << 10 }), mostBytes);
}

/** Sorts from old to new; undefined for what is no log. */
function ageOf(name: string): readonly [number, string] | undefined {
  const docker = dockerName.exec(name);
  if (docker !== null) return [-Number(docker[1] ?? 0), ""];
  const kubelet = kubeletName.exec(basename(name));
  return kubelet === null ? undefined : [Number(kubelet[1]), kubelet[2] ?? "~"];
}

function compareAges(
  [a = 0, aName = ""]: readonly [number?, string?],
  [b = 0, bName = ""]: readonly [number?, string?],
) {
  return a - b || (aName < bName ? -1 : aName > bName ? 1 : 0);
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new EngineError("notFound", `${path}: no such file or directory`);
    throw error;
  }
}
