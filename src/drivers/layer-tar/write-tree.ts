import { Readable } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { LayerJob } from "./layer-job.ts";
import { locatePath, pathError, realPath } from "./stat-path.ts";
import { printable } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import type { ThreadRoot } from "./thread-root.ts";
import { TreeFiles } from "./tree-files.ts";
import { TreeWriter } from "./tree-writer.ts";
import { decompress, sniff } from "./uncompressed.ts";

/** Unpacks an archive, gzip'd, zstd'd or plain, into a directory of a tree. @throws notFound @throws invalidArgument */
export async function writeTree(
  root: ThreadRoot,
  job: LayerJob & { t: "write" },
  archive: AsyncIterable<Buffer>,
  check: () => void,
): Promise<void> {
  using _root = root.enter(job.root);
  const writer = new TreeWriter(new TreeFiles(), {
    whiteouts: "none",
    maxFileBytes: Number.MAX_SAFE_INTEGER,
    keepTypes: job.keepTypes,
    keepOwners: job.keepOwners,
    base: directoryAt(job.path),
  });
  try {
    const reader = new TarReader(writer, Number.MAX_SAFE_INTEGER);
    for await (const chunk of plain(archive)) {
      check();
      reader.push(chunk);
    }
    reader.finish();
    writer.finish();
  } finally {
    writer.abandon();
  }
}

/** Links followed, relative to the root. */
function directoryAt(path: string): string {
  const { path: located } = locatePath(`${path}/`);
  try {
    const { stat } = locatePath(`${located}/.`);
    if (stat.isDirectory()) return realPath(located).slice(1);
  } catch (error) {
    throw pathError(error, path);
  }
  throw new EngineError("invalidArgument", `${printable(path)}: not a directory`);
}

async function* plain(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = archive[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const whole = Readable.from(again(first.value, chunks));
  yield* decompress(whole, sniff(first.value));
}

async function* again(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
