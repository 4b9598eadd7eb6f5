import { isKind } from "#base/errors.ts";
import { openContainerd, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { writeContent } from "#clients/containerd/write-content.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, type Digest } from "#core/content/digest.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import { gcLabels } from "#core/labels.ts";
import type { DockerImage, DockerLayer } from "../docker-store/docker-image.ts";
import type { DiskNeed, ImageProof, ImagesPlan, ImageTarget, LayerProof, Progress } from "../image-target.ts";
import { countedArchive } from "../layer-archive.ts";
import { roundedUp } from "../scan-layer.ts";
import { toManifest, type ImageManifest } from "../to-manifest.ts";
import { readContainerdFacts, type ContainerdFacts } from "./containerd-facts.ts";
import { acquireLease } from "./containerd-lease.ts";
import { criNames, findTarget, putName } from "./containerd-names.ts";
import { hasSnapshot, unpackSnapshot } from "./containerd-snapshots.ts";

/**
 * A running containerd, by its own API: blobs, snapshots and names as its CRI plugin makes them, so that a kubelet finds
 * and runs them.
 */
export class ContainerdTarget implements ImageTarget {
  readonly name: string;
  readonly #containerd: ContainerdConnection;
  readonly #facts: ContainerdFacts;

  private constructor(containerd: ContainerdConnection, facts: ContainerdFacts) {
    this.name = `containerd ${containerd.socketPath} ${containerd.namespace}`;
    this.#containerd = containerd;
    this.#facts = facts;
  }

  /** @throws unavailable when nobody answers */
  static async open(signal: AbortSignal, socketPath: string, namespace: string): Promise<ContainerdTarget> {
    using undo = new DisposableStack();
    const containerd = undo.use(openContainerd(socketPath, namespace));
    const facts = await readContainerdFacts(signal, containerd);
    try {
      await containerd.namespaces.create({ namespace: { name: namespace } }, { signal });
    } catch (error) {
      if (!isKind(error, "alreadyExists")) throw error;
    }
    undo.move();
    return new ContainerdTarget(containerd, facts);
  }

  async forecast(signal: AbortSignal, plan: ImagesPlan): Promise<DiskNeed[]> {
    const content = { path: this.#facts.contentRoot, bytes: 0, inodes: 0 };
    const trees = { path: this.#facts.snapshotRoot, bytes: 0, inodes: 0 };
    const add = async (digest: string, size: number) => {
      if (await this.#hasBlob(signal, digest)) return;
      content.bytes += roundedUp(size);
      content.inodes++;
    };
    for (const [diffId, { layer, scan }] of plan.layers) {
      await add(diffId, scan.tarBytes);
      if (await hasSnapshot(signal, this.#containerd, this.#facts.snapshotter, layer.chainId)) continue;
      trees.bytes += scan.fileBytes + scan.otherBytes + ownBytes;
      trees.inodes += scan.inodes + ownInodes;
    }
    for (const image of plan.images) {
      const { descriptor } = toManifest(image, plan);
      await add(image.id, image.configBytes.length);
      await add(descriptor.digest, descriptor.sizeBytes);
    }
    return [content, trees];
  }

  async put(signal: AbortSignal, image: DockerImage, plan: ImagesPlan, progress: Progress): Promise<ImageProof> {
    await using lease = await acquireLease(signal, this.#containerd, image.id);
    const manifest = toManifest(image, plan);
    const layers: LayerProof[] = [];
    for (const [at, layer] of image.layers.entries()) {
      const descriptor = manifest.layers[at];
      if (descriptor === undefined) throw new Error("a manifest has as many layers as its image");
      const parent = image.layers[at - 1]?.chainId;
      const how = await this.#layer(signal, { lease: lease.id, layer, parent, descriptor }, progress);
      layers.push({ diffId: layer.diffId, how });
    }
    await this.#documents(signal, lease.id, image, manifest);
    const names = criNames(image);
    for (const name of names) await putName(signal, this.#containerd, name, manifest.descriptor, this.#isPinned(image));
    return { id: image.id, names, manifest: manifest.descriptor.digest, layers };
  }

  async has(signal: AbortSignal, proof: ImageProof): Promise<boolean> {
    const top = chainIdsOf(proof.layers.map(({ diffId }) => diffId)).at(-1);
    const { snapshotter } = this.#facts;
    if (top !== undefined && !(await hasSnapshot(signal, this.#containerd, snapshotter, top))) return false;
    for (const name of proof.names) {
      if ((await findTarget(signal, this.#containerd, name)) !== proof.manifest) return false;
    }
    return await this.#hasBlob(signal, proof.manifest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#containerd[Symbol.dispose]();
  }

  /** The blob first: it is what the snapshot is made of. */
  async #layer(signal: AbortSignal, step: LayerStep, progress: Progress): Promise<LayerProof["how"]> {
    const { layer, lease, descriptor } = step;
    const written = await writeContent(signal, this.#containerd, {
      digest: descriptor.digest,
      sizeBytes: descriptor.sizeBytes,
      labels: { "containerd.io/uncompressed": layer.diffId },
      lease,
      chunks: () => countedArchive(signal, layer, progress),
    });
    const unpacked = await unpackSnapshot(signal, this.#containerd, { ...step, snapshotter: this.#facts.snapshotter });
    return written === "written" || unpacked === "carried" ? "carried" : "present";
  }

  /** Config and manifest, with labels by which garbage collection finds what they need. */
  async #documents(signal: AbortSignal, lease: string, image: DockerImage, manifest: ImageManifest): Promise<void> {
    const top = image.layers.at(-1)?.chainId;
    const ofConfig = top === undefined ? {} : { [`${gcLabels.snapshot}.${this.#facts.snapshotter}`]: top };
    const write = async ({ digest, sizeBytes }: Descriptor, bytes: Buffer, labels: Record<string, string>) => {
      await writeContent(signal, this.#containerd, { digest, sizeBytes, labels, lease, chunks: () => [bytes] });
    };
    await write(manifest.config, image.configBytes, ofConfig);
    const layers = manifest.layers.map(({ digest }, at) => [`${gcLabels.content}.l.${at}`, digest]);
    const ofManifest = { [`${gcLabels.content}.config`]: image.id, ...Object.fromEntries(layers) };
    await write(manifest.descriptor, manifest.bytes, ofManifest);
  }

  async #hasBlob(signal: AbortSignal, digest: Digest | string): Promise<boolean> {
    try {
      await this.#containerd.content.info({ digest }, { signal });
      return true;
    } catch (error) {
      if (isKind(error, "notFound")) return false;
      throw error;
    }
  }

  /** Every pod needs the sandbox image, and no pod names it. */
  #isPinned({ tags, digests }: DockerImage): boolean {
    const { sandboxImage } = this.#facts;
    if (sandboxImage === undefined) return false;
    const name = formatReference(withDefaultTag(parseReference(sandboxImage)));
    return [...tags, ...digests].includes(name);
  }
}

type LayerStep = {
  readonly lease: string;
  readonly layer: DockerLayer;
  readonly parent: DockerLayer["chainId"] | undefined;
  readonly descriptor: Descriptor;
};

/** A snapshot's own directories beside its files': its own and overlayfs's working one. */
const ownBytes = 2 * 4096;
const ownInodes = 2;
