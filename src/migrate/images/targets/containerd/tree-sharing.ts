import { lstat } from "node:fs/promises";
import { EngineError, ignoreMissing, isKind, messageOf } from "#base/errors.ts";
import { silentLogger } from "#base/logger.ts";
import { findMount, readMountTable } from "#base/mount-table.ts";
import { parseNamespace } from "#core/call.ts";
import type { AppliedLayer } from "#core/layers/layer-applier.ts";
import { LayerWorkers } from "#drivers/layer-tar/layer-workers.ts";
import { TarLayerApplier } from "#drivers/layer-tar/tar-layer-applier.ts";
import type { DockerLayer } from "../../docker-store/docker-image.ts";
import { explainDamage } from "../../layer-archive.ts";
import type { ContainerdFacts } from "./containerd-facts.ts";
import { extractionTarget } from "./extraction-target.ts";
import type { FillSnapshot } from "./make-snapshot.ts";

/** Verified by its digest at the end: nothing in it is bounded but by its recipe. */
const limits = { maxUncompressedBytes: Number.MAX_SAFE_INTEGER, maxEntries: Number.MAX_SAFE_INTEGER };

/**
 * Fills containerd's extraction snapshots with files of Docker's trees, hard linked or cloned, by the code that Ferry's
 * own daemon takes layers with: the archive is made again and hashed, a tree is made of it, and a file's content is not
 * written where Docker's file is in every respect what the archive says.
 */
export class TreeSharing implements AsyncDisposable {
  readonly #workers = new LayerWorkers(1);
  readonly #applier = new TarLayerApplier(this.#workers);

  /**
   * `take` gets the archive as it is made, and its end only if it is what the DiffID says.
   *
   * @throws dataLoss with the files that changed @throws failedPrecondition when containerd must unpack the layer
   */
  fill(layer: DockerLayer, take?: (archive: AsyncIterable<Uint8Array>) => Promise<void>): FillSnapshot {
    return async (signal, mounts) => {
      const target = extractionTarget(mounts);
      await requireSharable(layer.directory, target.directory);
      const call = { signal, log: silentLogger, namespace: parseNamespace("default") };
      const source = { recipePath: layer.recipePath, filesDirectory: layer.directory };
      if (take === undefined) return await verified(layer, this.#applier.apply(call, source, target, limits));
      const { archive, applied, cancel } = this.#applier.applyAndRead(call, source, target, limits);
      const diffId = verified(layer, applied);
      const taking = take(endingAs(archive, diffId)).finally(cancel);
      const [made, taken] = await Promise.allSettled([diffId, taking]);
      // Either ends the other; that one says so.
      const isOfTaker = made.status === "fulfilled" || isKind(made.reason, "canceled");
      if (taken.status === "rejected" && isOfTaker) throw taken.reason;
      return await diffId;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workers.close();
  }
}

/** @throws dataLoss with the files that changed */
async function verified(layer: DockerLayer, applied: Promise<AppliedLayer>): Promise<string> {
  try {
    const { diffId } = await applied;
    if (diffId === layer.diffId) return diffId;
    throw new EngineError("dataLoss", `its files make ${diffId}`);
  } catch (error) {
    if (!isKind(error, "dataLoss")) throw error;
    const why = `layer ${layer.diffId}: ${messageOf(error)}${await explainDamage(layer)}`;
    throw new EngineError("dataLoss", why, { cause: error });
  }
}

async function* endingAs(archive: AsyncIterable<Uint8Array>, diffId: Promise<string>): AsyncGenerator<Uint8Array> {
  yield* archive;
  await diffId;
}

/** Why containerd has to unpack layers that lie at `directory`; undefined where their files can be shared. */
export async function whyNotShared(
  { snapshotter, snapshotRoot }: ContainerdFacts,
  directory: string,
): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can share files";
  if (snapshotter !== "overlayfs") return `its snapshotter is ${snapshotter}`;
  try {
    await requireSharable(directory, snapshotRoot);
    return undefined;
  } catch (error) {
    if (isKind(error, "failedPrecondition")) return messageOf(error);
    throw error;
  }
}

/** @throws failedPrecondition when the kernel would link no file from one to the other. Source: linkat(2), EXDEV */
async function requireSharable(from: string, to: string): Promise<void> {
  const refuse = (why: string) => new EngineError("failedPrecondition", `${to}: ${why}`);
  const [one, other] = [await lstat(from), await lstat(to).catch(ignoreMissing)];
  if (other === undefined) throw refuse("not on this machine");
  if (one.dev !== other.dev) throw refuse(`on another filesystem than ${from}`);
  const table = await readMountTable();
  const [a, b] = [findMount(table, from), findMount(table, to)];
  if (a?.mount.id !== b?.mount.id) throw refuse(`on another mount than ${from}`);
}
