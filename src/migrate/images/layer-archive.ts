import { createHash } from "node:crypto";
import { EngineError, messageOf } from "#base/errors.ts";
import { findDamagedFiles, rebuildTar } from "#base/tar-split/rebuild-tar.ts";
import { RootedFiles } from "#base/tar-split/rooted-files.ts";
import { readTarSplit } from "#base/tar-split/tar-split.ts";
import type { DockerLayer } from "./docker-store/docker-image.ts";

const maxNamed = 5;

/**
 * A layer's archive, made again. It ends only if it is what the DiffID says: whoever keeps the bytes names them when
 * this has ended, not before.
 *
 * @throws dataLoss naming the files that changed
 */
export async function* layerArchive(signal: AbortSignal, layer: DockerLayer): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of rebuildTar(layer.recipePath, new RootedFiles(layer.directory))) {
      signal.throwIfAborted();
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError("dataLoss", `layer ${layer.diffId}: ${messageOf(error)}`, { cause: error });
  }
  const diffId = `sha256:${hash.digest("hex")}`;
  if (diffId === layer.diffId) return;
  throw new EngineError("dataLoss", `layer ${layer.diffId}: its files make ${diffId}${await explainDamage(layer)}`);
}

/** {@link layerArchive} that tells how many bytes of it were taken. */
export async function* countedArchive(
  signal: AbortSignal,
  layer: DockerLayer,
  progress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  yield* counted(layerArchive(signal, layer), progress);
}

export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  progress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    progress(chunk.length);
  }
}

/** What is wrong with a layer whose archive does not come out right, as far as that can be told. */
export async function explainDamage(layer: DockerLayer): Promise<string> {
  const files = await findDamagedFiles(layer.recipePath, new RootedFiles(layer.directory), maxNamed);
  const more = files.length === maxNamed ? ", …" : "";
  return files.length > 0 ? `; changed: ${files.join(", ")}${more}` : await explainSound(layer);
}

/** The files are right and the archive is not. */
async function explainSound({ recipePath }: DockerLayer): Promise<string> {
  for await (const entries of readTarSplit(recipePath)) {
    const sparse = entries.some((entry) => entry.t === "segment" && entry.bytes.includes("GNU.sparse."));
    // Docker notes a sparse member as if it were whole; its own `docker save` gives another archive as well.
    if (sparse)
      return "; it was loaded from an archive with sparse files, which Docker cannot make again: build the image anew";
  }
  return "";
}
