import type { ChainId, DiffId, Digest } from "#core/content/digest.ts";

/** A layer as it lies in a data root. */
export type DockerLayer = {
  readonly diffId: DiffId;
  readonly chainId: ChainId;
  /** The tree with the files' content. */
  readonly directory: string;
  /** The gzip'd tar-split file. */
  readonly recipePath: string;
};

/** An image whose every part is there; its bytes are checked when they are read. */
export type DockerImage = {
  /** Digest of the config. */
  readonly id: Digest;
  readonly configBytes: Buffer;
  /** In full: `docker.io/library/nginx:1.25`. */
  readonly tags: readonly string[];
  /** Names that a registry gave it: `docker.io/library/nginx@sha256:…`, of a manifest that Docker did not keep. */
  readonly digests: readonly string[];
  /** Lowest first. */
  readonly layers: readonly DockerLayer[];
};

/** An image that cannot be carried, and why. */
export type BrokenImage = {
  readonly id: Digest;
  readonly tags: readonly string[];
  readonly problem: string;
};

/** What people know it by. */
export function imageLabel({ tags, id }: Pick<DockerImage, "tags" | "id">): string {
  return tags[0] ?? id;
}
