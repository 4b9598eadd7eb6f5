import { createHash } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import { EngineError } from "#base/errors.ts";
import { rebuildTar } from "#base/tar-split/rebuild-tar.ts";
import { RootedFiles } from "#base/tar-split/rooted-files.ts";
import type { ApplyResult, LayerJob } from "./layer-job.ts";
import { sendChunks } from "./port-stream.ts";
import { SharedFiles } from "./shared-files.ts";
import { TarReader } from "./tar-reader.ts";
import type { ThreadRoot } from "./thread-root.ts";
import { TreeFiles } from "./tree-files.ts";
import { TreeWriter } from "./tree-writer.ts";

/**
 * Unpacks a layer from its recipe: the archive is made again and read like any other, but files come from the other
 * tree where they can. `check` throws when the job was cancelled. Whoever holds the other end of `stream` gets the archive
 * too; it is closed at the end.
 *
 * The other tree is read from the machine's root, so the thread has the new one as its root only while it writes.
 */
export async function adoptLayer(
  root: ThreadRoot,
  job: LayerJob & { t: "adopt" },
  check: () => void,
  stream?: MessagePort,
): Promise<ApplyResult> {
  const files = new TreeFiles();
  using shared = new SharedFiles(files, job.filesDirectory);
  const writer = within(root, job.directory, () => {
    return new TreeWriter(files, {
      whiteouts: job.whiteouts,
      maxFileBytes: job.limits.maxUncompressedBytes,
      keepTypes: false,
      keepOwners: true,
      base: "",
      shared,
    });
  });
  try {
    const archive = await finish(pump(root, job, { writer, shared }, check), stream);
    return within(root, job.directory, () => {
      writer.finish();
      const { sizeBytes, inodes } = writer;
      return { ...archive, sizeBytes, inodes, impliedDirectories: writer.impliedDirectories() };
    });
  } finally {
    stream?.close();
    writer.abandon();
  }
}

type Archive = Pick<ApplyResult, "diffId" | "archiveBytes">;

async function finish(chunks: AsyncGenerator<Buffer, Archive>, stream: MessagePort | undefined): Promise<Archive> {
  let archive: Archive | undefined;
  async function* passing(): AsyncGenerator<Buffer> {
    archive = yield* chunks;
  }
  if (stream !== undefined) await sendChunks(stream, passing());
  else for await (const _ of passing()) continue;
  if (archive === undefined) throw new EngineError("canceled", "layer: nobody takes its archive any more");
  return archive;
}

type Parts = { readonly writer: TreeWriter; readonly shared: SharedFiles };

/** Each chunk once its files are written. */
async function* pump(
  root: ThreadRoot,
  job: LayerJob & { t: "adopt" },
  { writer, shared }: Parts,
  check: () => void,
): AsyncGenerator<Buffer, Archive> {
  const { maxEntries, maxUncompressedBytes } = job.limits;
  const hash = createHash("sha256");
  const reader = new TarReader(writer, maxEntries);
  const archive = rebuildTar(job.recipePath, new RootedFiles(job.filesDirectory), (name, resolved) => {
    shared.note(name, resolved);
  });
  let total = 0;
  for await (const chunk of archive) {
    check();
    total += chunk.length;
    if (total > maxUncompressedBytes) {
      throw new EngineError("resourceExhausted", `layer: more than ${maxUncompressedBytes} bytes`);
    }
    hash.update(chunk);
    within(root, job.directory, () => reader.push(chunk));
    yield chunk;
  }
  check();
  reader.finish();
  return { diffId: `sha256:${hash.digest("hex")}`, archiveBytes: total };
}

function within<T>(root: ThreadRoot, directory: string, work: () => T): T {
  using _root = root.enter(directory);
  return work();
}
