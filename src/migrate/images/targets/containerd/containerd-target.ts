import { isKind } from "#base/errors.ts";
import { openContainerd, type ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { writeContent } from "#clients/containerd/write-content.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { chainIdsOf, type Digest } from "#core/content/digest.ts";
import { gcLabels } from "#core/labels.ts";
import type { DockerImage } from "../../docker-store/docker-image.ts";
import type { DiskNeed, ImageProof, ImagesPlan, ImageTarget, PlannedLayer, Progress } from "../../image-target.ts";
import { estimatePacked } from "../../estimate-packed.ts";
import { roundedUp } from "../../scan-layer.ts";
import { plainLayers, toManifest, type ImageManifest } from "../../to-manifest.ts";
import { carryLayers } from "./carry-layers.ts";
import { isSandboxImage, readContainerdFacts, type ContainerdFacts } from "./containerd-facts.ts";
import { acquireLease } from "./acquire-lease.ts";
import { criNames, findTarget, putName } from "./cri-names.ts";
import { findLayerBlob } from "./layer-blobs.ts";
import { hasSnapshot } from "./make-snapshot.ts";
import { TreeSharing, whyNotShared } from "./tree-sharing.ts";

/**
 * A running containerd, by its own API: blobs, snapshots and names as its CRI plugin makes them, so that a kubelet finds
 * and runs them.
 */
export class ContainerdTarget implements ImageTarget {
  readonly name: string;
  readonly #containerd: ContainerdConnection;
  readonly #facts: ContainerdFacts;
  readonly #sharing = new TreeSharing();

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
    const add = (size: number) => {
      content.bytes += roundedUp(size);
      content.inodes++;
    };
    const trees = { path: this.#facts.snapshotRoot, bytes: 0, inodes: 0 };
    const whyNot = await this.#whyNotShared(plan);
    const missing: PlannedLayer[] = [];
    for (const [diffId, planned] of plan.layers) {
      const { layer, scan } = planned;
      if ((await findLayerBlob(signal, this.#containerd, diffId)) === undefined) missing.push(planned);
      if (await hasSnapshot(signal, this.#containerd, this.#facts.snapshotter, layer.chainId)) continue;
      const shared = whyNot === undefined ? scan.sharable : { files: 0, bytes: 0 };
      trees.bytes += scan.fileBytes - shared.bytes + scan.otherBytes + ownBytes;
      trees.inodes += scan.inodes - shared.files + ownInodes;
    }
    const packed = await estimatePacked(missing, { signal });
    for (const { scan } of missing) add(scan.tarBytes * packed);
    for (const image of plan.images) {
      if (await this.#hasBlob(signal, image.id)) continue;
      add(image.configBytes.length);
      add(toManifest(image, plainLayers(image, plan)).bytes.length);
    }
    const note = whyNot === undefined ? "files are shared with Docker's" : `layers are unpacked: ${whyNot}`;
    return [content, { ...trees, notes: [note] }];
  }

  async put(signal: AbortSignal, image: DockerImage, plan: ImagesPlan, progress: Progress): Promise<ImageProof> {
    await using lease = await acquireLease(signal, this.#containerd, image.id);
    const { proofs, descriptors } = await carryLayers(signal, this.#containerd, {
      lease: lease.id,
      snapshotter: this.#facts.snapshotter,
      layers: image.layers,
      sharing: (await this.#whyNotShared(plan)) === undefined ? this.#sharing : undefined,
      progress,
    });
    const manifest = toManifest(image, descriptors);
    await this.#documents(signal, lease.id, image, manifest);
    const names = criNames(image);
    const pinned = isSandboxImage(this.#facts, names);
    for (const name of names) await putName(signal, this.#containerd, name, manifest.descriptor, pinned);
    return { id: image.id, names, manifest: manifest.descriptor.digest, layers: proofs };
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
    await this.#sharing[Symbol.asyncDispose]();
    this.#containerd[Symbol.dispose]();
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

  /** One data root's layers lie side by side. */
  async #whyNotShared({ layers }: ImagesPlan): Promise<string | undefined> {
    const [first] = layers.values();
    return first === undefined ? "there are none" : await whyNotShared(this.#facts, first.layer.directory);
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
}

/** A snapshot's own directories beside its files': its own and overlayfs's working one. */
const ownBytes = 2 * 4096;
const ownInodes = 2;
