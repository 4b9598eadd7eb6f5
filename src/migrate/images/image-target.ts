import type { DiffId, Digest } from "#core/content/digest.ts";
import type { DockerImage, DockerLayer } from "./docker-store/docker-image.ts";
import type { DockerVolume } from "./docker-store/docker-volumes.ts";
import type { LayerScan } from "./scan-layer.ts";

/** A layer to carry, with what its headers say. */
export type PlannedLayer = { readonly layer: DockerLayer; readonly scan: LayerScan };

/** What is to be carried: each layer once, however many images have it. */
export type ImagesPlan = {
  readonly images: readonly DockerImage[];
  readonly layers: ReadonlyMap<DiffId, PlannedLayer>;
};

/** What a migration will take on the filesystem that holds `path`. */
export type DiskNeed = {
  readonly path: string;
  readonly bytes: number;
  readonly inodes: number;
  /** What makes it so little, or so much. */
  readonly notes?: readonly string[];
};

export type LayerProof = {
  readonly diffId: DiffId;
  /** `carried`: its bytes had this digest on their way; `present`: the target had it before. */
  readonly how: "carried" | "present";
  /** Of a tree that was made in this run, where the target knows both ways: with Docker's files, or written once more. */
  readonly files?: "shared" | "unpacked";
};

/** Written down for each image that is in the target. */
export type ImageProof = {
  /** Digest of the config, the same in source and target. */
  readonly id: Digest;
  readonly names: readonly string[];
  /** Of the manifest as the target has it: a new one, since Docker keeps none. */
  readonly manifest: Digest;
  readonly layers: readonly LayerProof[];
};

export type Progress = (bytes: number) => void;

/** Where images go. */
export interface ImageTarget extends AsyncDisposable {
  /** As the command line names it. */
  readonly name: string;
  /** What is still missing there, in disk. */
  forecast(signal: AbortSignal, plan: ImagesPlan): Promise<DiskNeed[]>;
  /**
   * Brings an image there, verified, and names it last. Done again, it finds what is there: that is how a run that was
   * cut short goes on.
   *
   * @throws dataLoss when the source's bytes are not what they should be @throws resourceExhausted on a full disk
   */
  put(signal: AbortSignal, image: DockerImage, plan: ImagesPlan, progress: Progress): Promise<ImageProof>;
  /** Carries a volume's files; absent where the target has no volumes. `kept`: it had content of its own. */
  putVolume?(signal: AbortSignal, volume: DockerVolume): Promise<"carried" | "kept">;
  /** Whether the image is there, whole and by all its names, as `proof` says. */
  has(signal: AbortSignal, proof: ImageProof): Promise<boolean>;
}
