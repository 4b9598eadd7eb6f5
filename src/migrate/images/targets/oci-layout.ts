import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "#base/atomic-file.ts";
import { EngineError, errnoOf, ignoreMissing } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import { decodeIndex, encodeDescriptor, maxManifestBytes } from "#core/images/manifest.ts";
import type { DockerImage } from "../docker-store/docker-image.ts";
import type { DiskNeed, ImageProof, ImagesPlan, ImageTarget, LayerProof, Progress } from "../image-target.ts";
import { countedArchive } from "../layer-archive.ts";
import { roundedUp } from "../scan-layer.ts";
import { plainLayers, toManifest, type ImageManifest } from "../to-manifest.ts";
import { LayoutBlobs } from "./layout-blobs.ts";

/** containerd imports an image by the first, skopeo and umoci find it by the second; the third is our own note. */
const nameKey = "io.containerd.image.name";
const referenceKey = "org.opencontainers.image.ref.name";
const repoDigestsKey = "io.ferry.migrate.repo-digests";

/**
 * An OCI image layout: each image by its full name, layers as plain archives. A layout that is there is added to.
 * Source: OCI image-spec image-layout.md.
 */
export class OciLayoutTarget implements ImageTarget {
  readonly name: string;
  readonly #directory: string;
  readonly #blobs: LayoutBlobs;
  #isBegun = false;

  private constructor(directory: string) {
    this.name = `oci:${directory}`;
    this.#directory = directory;
    this.#blobs = new LayoutBlobs(directory);
  }

  /** Writes nothing yet. @throws failedPrecondition when the directory holds something else */
  static async open(directory: string): Promise<OciLayoutTarget> {
    const names = ((await readdir(directory).catch(ignoreMissing)) ?? []).filter((name) => !name.startsWith("."));
    if (names.length > 0 && !names.includes("oci-layout")) {
      throw new EngineError("failedPrecondition", `${directory}: not empty, and no OCI layout`);
    }
    return new OciLayoutTarget(directory);
  }

  async forecast(_signal: AbortSignal, plan: ImagesPlan): Promise<DiskNeed[]> {
    let [bytes, inodes] = [0, 0];
    const add = async (digest: Digest, size: number) => {
      if ((await this.#blobs.sizeOf(digest)) === size) return;
      bytes += roundedUp(size);
      inodes++;
    };
    for (const { layer, scan } of plan.layers.values()) await add(layer.diffId as string as Digest, scan.tarBytes);
    for (const image of plan.images) {
      const { descriptor } = toManifest(image, plainLayers(image, plan));
      await add(image.id, image.configBytes.length);
      await add(descriptor.digest, descriptor.sizeBytes);
    }
    return [{ path: this.#directory, bytes, inodes }];
  }

  async put(signal: AbortSignal, image: DockerImage, plan: ImagesPlan, progress: Progress): Promise<ImageProof> {
    await this.#begin();
    const manifest = toManifest(image, plainLayers(image, plan));
    const layers: LayerProof[] = [];
    for (const layer of image.layers) {
      const digest = layer.diffId as string as Digest;
      const size = plan.layers.get(layer.diffId)?.scan.tarBytes;
      const present = (await this.#blobs.sizeOf(digest)) === size;
      layers.push({ diffId: layer.diffId, how: present ? "present" : "carried" });
      if (!present) await this.#blobs.write(digest, countedArchive(signal, layer, progress));
    }
    await this.#document(image.id, image.configBytes);
    await this.#document(manifest.descriptor.digest, manifest.bytes);
    await this.#index(image, manifest);
    return { id: image.id, names: [...image.tags, ...image.digests], manifest: manifest.descriptor.digest, layers };
  }

  async has(_signal: AbortSignal, proof: ImageProof): Promise<boolean> {
    const blobs = [proof.id, proof.manifest, ...proof.layers.map(({ diffId }) => diffId as string as Digest)];
    for (const digest of blobs) if ((await this.#blobs.sizeOf(digest)) === undefined) return false;
    const entries = (await this.#manifests()).filter(({ digest }) => digest === proof.manifest);
    const names = new Set(entries.map(nameOf));
    // Digests stand in a note only.
    const tags = proof.names.filter((name) => !name.includes("@"));
    return entries.length > 0 && tags.every((tag) => names.has(tag));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isBegun) await this.#blobs.close();
  }

  /** Makes the layout where there is none, before the first image. */
  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    await mkdir(this.#directory, { recursive: true });
    await writeFileAtomic(join(this.#directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}', { mode: 0o644 });
    await this.#blobs.open();
  }

  async #document(digest: Digest, bytes: Buffer): Promise<void> {
    if ((await this.#blobs.sizeOf(digest)) !== bytes.length) await this.#blobs.write(digest, [bytes]);
  }

  /** The image's entries in place of those that had its names. */
  async #index(image: DockerImage, { descriptor }: ImageManifest): Promise<void> {
    const entries = entriesOf(image, descriptor);
    const names = new Set(entries.map(nameOf));
    const others = (await this.#manifests()).filter(
      (other) => !names.has(nameOf(other)) && !(nameOf(other) === undefined && other.digest === descriptor.digest),
    );
    const manifests = [...others, ...entries].map(encodeDescriptor);
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
    await writeFileAtomic(join(this.#directory, "index.json"), JSON.stringify(index), { mode: 0o644 });
  }

  async #manifests(): Promise<readonly Descriptor[]> {
    try {
      const bytes = await readFile(join(this.#directory, "index.json"));
      JsonReader.parse(bytes, "index.json", maxManifestBytes);
      return decodeIndex(bytes).manifests;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  }
}

function entriesOf({ tags, digests }: DockerImage, descriptor: Descriptor): Descriptor[] {
  const note = digests.length === 0 ? {} : { [repoDigestsKey]: digests.join(",") };
  if (tags.length === 0) return [{ ...descriptor, ...(digests.length === 0 ? {} : { annotations: note }) }];
  return tags.map((tag) => ({ ...descriptor, annotations: { [nameKey]: tag, [referenceKey]: tag, ...note } }));
}

function nameOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[referenceKey];
}
