import { EngineError } from "#base/errors.ts";
import type { TreeStat } from "#core/layers/tree-archiver.ts";
import { readArchive, statArchive, writeArchive } from "#engine/copy-archive.ts";
import { goTime } from "../go-time.ts";
import { bodyChunks } from "../read-body.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";

const statHeader = "X-Docker-Container-Path-Stat";

/** `HEAD …/archive`: what stands at a path. */
export async function statArchiveRoute(context: RouteContext): Promise<Answer> {
  const stat = await statArchive(context.call, context.engine, readPath(context));
  return { t: "empty", status: 200, headers: { [statHeader]: encodeStat(stat) } };
}

/** `docker cp` out of a container. */
export async function readArchiveRoute(context: RouteContext): Promise<Answer> {
  const { stat, archive } = await readArchive(context.call, context.engine, readPath(context));
  const out = context.stream("application/x-tar");
  out.header(statHeader, encodeStat(stat));
  // Ended early, the loop destroys the archive, and with it what was mounted for it.
  for await (const chunk of archive) await out.write(chunk as Uint8Array);
  out.end();
  return taken;
}

/** `docker cp` into a container. */
export async function writeArchiveRoute(context: RouteContext): Promise<Answer> {
  await writeArchive(context.call, context.engine, {
    ...readPath(context),
    archive: bodyChunks(context),
    keepTypes: context.query.boolean("noOverwriteDirNonDir"),
    keepOwners: context.query.boolean("copyUIDGID"),
  });
  return { t: "empty", status: 200 };
}

function readPath({ name, query }: RouteContext): { container: string; path: string } {
  const path = query.text("path");
  if (path === "") throw new EngineError("invalidArgument", "bad parameter: 'path' cannot be empty");
  return { container: name, path };
}

/** Base64 of JSON. Source: moby api/types/container/container.go, PathStat. */
export function encodeStat(stat: TreeStat): string {
  const json = {
    name: stat.name,
    size: stat.sizeBytes,
    mode: toGoFileMode(stat.mode),
    mtime: goTime(stat.mtimeNs),
    linkTarget: stat.linkTarget,
  };
  return Buffer.from(JSON.stringify(json)).toString("base64");
}

/** Types of `st_mode` as Go's `fs.FileMode` has them. */
const goTypes: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31,
  0o120000: 2 ** 27,
  0o060000: 2 ** 26,
  0o010000: 2 ** 25,
  0o140000: 2 ** 24,
  0o020000: 2 ** 26 + 2 ** 21,
};

/** Set-uid, set-gid and sticky likewise. */
export function toGoFileMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (mode & 0o777) + (goTypes[mode & 0o170000] ?? 0) + special;
}
