import { closeSync, readSync } from "node:fs";
import { EngineError } from "../errors.ts";
import { Crc64 } from "./crc64.ts";
import type { RootedFiles } from "./rooted-files.ts";
import { readTarSplit, type TarSplitEntry } from "./tar-split.ts";

const chunkBytes = 1024 * 1024;

/** Told of each file before its header and its bytes come, with the path it is found at. */
export type OnFile = (name: string, resolved: string) => void;

/**
 * The archive that a tar-split file and its tree stand for, in chunks that belong to whoever gets them.
 *
 * What comes out is only as good as what went in: compare its digest with the layer's DiffID.
 * @throws dataLoss when a file is missing or of another size, or the tar-split file is damaged
 */
export async function* rebuildTar(recipePath: string, files: RootedFiles, onFile?: OnFile): AsyncGenerator<Buffer> {
  const packer = new Packer();
  // A file's header ends the segment before it: held back until the file is known.
  let segment: Buffer = Buffer.alloc(0);
  for await (const entries of readTarSplit(recipePath)) {
    for (const entry of entries) {
      if (entry.t === "segment") {
        yield* packer.add(segment);
        segment = entry.bytes;
      } else if (entry.sizeBytes > 0) {
        const resolved = files.resolve(entry.name);
        onFile?.(entry.name, resolved);
        yield* packer.add(segment);
        segment = Buffer.alloc(0);
        yield* packer.addFile(files.open(resolved, entry.sizeBytes), entry);
      }
    }
  }
  yield* packer.add(segment);
  yield* packer.rest();
}

/** The files whose bytes are not those that the layer was made of, at most `max`: what to tell of a layer that is broken. */
export async function findDamagedFiles(recipePath: string, files: RootedFiles, max: number): Promise<string[]> {
  const damaged: string[] = [];
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for await (const entries of readTarSplit(recipePath)) {
    for (const entry of entries) {
      if (entry.t !== "file" || entry.sizeBytes === 0 || damaged.length >= max) continue;
      if (!isSound(files, entry, buffer)) damaged.push(Buffer.from(entry.name, "latin1").toString("utf8"));
    }
  }
  return damaged;
}

function isSound(files: RootedFiles, entry: TarSplitEntry & { t: "file" }, buffer: Buffer): boolean {
  try {
    const crc = new Crc64();
    files.with(entry.name, entry.sizeBytes, (fd) => {
      for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer))
        crc.update(buffer.subarray(0, length));
    });
    return entry.crc64 === undefined || crc.digest().equals(entry.crc64);
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** Gathers small pieces: a chunk per header would cost more than hashing it. */
class Packer {
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  #used = 0;

  *add(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const taken = bytes.copy(this.#chunk, this.#used, at);
      at += taken;
      this.#used += taken;
      if (this.#used === chunkBytes) yield this.#take();
    }
  }

  /** Closes `fd`. */
  *addFile(fd: number, { name, sizeBytes }: TarSplitEntry & { t: "file" }): Generator<Buffer> {
    try {
      for (let left = sizeBytes; left > 0;) {
        const length = readSync(fd, this.#chunk, this.#used, Math.min(left, chunkBytes - this.#used), null);
        if (length === 0) throw new EngineError("dataLoss", `file ${JSON.stringify(name)}: ended ${left} bytes early`);
        left -= length;
        this.#used += length;
        if (this.#used === chunkBytes) yield this.#take();
      }
    } finally {
      closeSync(fd);
    }
  }

  *rest(): Generator<Buffer> {
    if (this.#used > 0) yield this.#take();
  }

  #take(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#used);
    this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
    this.#used = 0;
    return chunk;
  }
}
