import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Namespace } from "#core/call.ts";
import { algorithmOf, hexOf, isDigest, type Digest } from "#core/content/digest.ts";

/** Where a content store keeps what, below its root. */
export class ContentLayout {
  readonly root: string;
  readonly ingestsDirectory: string;

  constructor(root: string) {
    this.root = root;
    this.ingestsDirectory = join(root, "ingest");
  }

  blobDirectory(algorithm: "sha256" | "sha512"): string {
    return join(this.root, "blobs", algorithm);
  }

  blobPath(digest: Digest): string {
    return join(this.blobDirectory(algorithmOf(digest)), hexOf(digest));
  }

  /** A namespace has no space in it, so no two pairs give the same text to hash. */
  ingestDirectory(namespace: Namespace, ref: string): string {
    return join(this.ingestsDirectory, createHash("sha256").update(`${namespace} ${ref}`).digest("hex"));
  }
}

export const algorithms = ["sha256", "sha512"] as const;

/** The digest a file in a blob directory is named for; undefined when it is no blob's name. */
export function digestOfFile(algorithm: "sha256" | "sha512", name: string): Digest | undefined {
  const digest = `${algorithm}:${name}`;
  return isDigest(digest) ? digest : undefined;
}

export function dataPath(ingestDirectory: string): string {
  return join(ingestDirectory, "data");
}
