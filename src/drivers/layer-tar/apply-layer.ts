import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { EngineError } from "#base/errors.ts";
import type { ApplyResult, LayerJob } from "./layer-job.ts";
import { TarReader } from "./tar-reader.ts";
import type { ThreadRoot } from "./thread-root.ts";
import { TreeFiles } from "./tree-files.ts";
import { TreeWriter } from "./tree-writer.ts";
import { sniffFile, uncompressed } from "./uncompressed.ts";

/** Unpacks one layer in this thread. `check` throws when the job was cancelled. */
export async function applyLayer(
  root: ThreadRoot,
  job: LayerJob & { t: "apply" },
  check: () => void,
): Promise<ApplyResult> {
  const fd = openSync(job.blobPath, "r");
  try {
    using _root = root.enter(job.directory);
    const { maxUncompressedBytes, maxEntries } = job.limits;
    const writer = new TreeWriter(new TreeFiles(), {
      whiteouts: job.whiteouts,
      maxFileBytes: maxUncompressedBytes,
      keepTypes: false,
      keepOwners: true,
      base: "",
    });
    try {
      const archive = await pump(fd, job, new TarReader(writer, maxEntries), check);
      writer.finish();
      return {
        ...archive,
        sizeBytes: writer.sizeBytes,
        inodes: writer.inodes,
        impliedDirectories: writer.impliedDirectories(),
      };
    } finally {
      writer.abandon();
    }
  } finally {
    closeSync(fd);
  }
}

type Archive = Pick<ApplyResult, "diffId" | "archiveBytes">;

/** Feeds the reader to the last byte, what follows the archive's end too: the DiffID covers it. */
async function pump(
  fd: number,
  job: LayerJob & { t: "apply" },
  reader: TarReader,
  check: () => void,
): Promise<Archive> {
  const hash = createHash("sha256");
  const { maxUncompressedBytes } = job.limits;
  // Some registries say gzip of what is plain, or the reverse; the DiffID tells whether it is the right layer.
  const compression = job.compression === "none" ? "none" : sniffFile(fd);
  let total = 0;
  for await (const chunk of uncompressed(fd, compression)) {
    check();
    total += chunk.length;
    if (total > maxUncompressedBytes) {
      throw new EngineError("resourceExhausted", `layer: more than ${maxUncompressedBytes} bytes uncompressed`);
    }
    hash.update(chunk);
    reader.push(chunk);
  }
  check();
  reader.finish();
  return { diffId: `sha256:${hash.digest("hex")}`, archiveBytes: total };
}
