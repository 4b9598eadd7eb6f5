import { createHash } from "node:crypto";
import type { Brand } from "#base/brand.ts";
import { EngineError } from "#base/errors.ts";

/** `sha256:<64 hex>` (or sha512) of a blob as stored, compressed if it is. */
export type Digest = Brand<string, "Digest">;
/** Digest of a layer's uncompressed tar. Source: OCI image-spec config.md, `rootfs.diff_ids`. */
export type DiffId = Brand<string, "DiffId">;
/** Name of a stack of layers: of one, its DiffID; of more, sha256 of "<chain of the lower> <DiffID>". Source: same page. */
export type ChainId = Brand<string, "ChainId">;

const hexLength: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** @throws invalidArgument when `text` is not a sha256 or sha512 digest in lower-case hex. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new EngineError("invalidArgument", `digest ${JSON.stringify(text)}: not sha256:<64 hex> or sha512:<128 hex>`);
}

export function isDigest(text: string): text is Digest {
  const [algorithm = "", hex = "", ...rest] = text.split(":");
  return rest.length === 0 && hexLength[algorithm] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/** @throws invalidArgument as {@link parseDigest}. */
export function parseDiffId(text: string): DiffId {
  return parseDigest(text) as string as DiffId;
}

export function algorithmOf(digest: Digest): "sha256" | "sha512" {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

export function hexOf(digest: Digest | DiffId | ChainId): string {
  return digest.slice(digest.indexOf(":") + 1);
}

export function digestOf(data: string | Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(data).digest("hex")}` as Digest;
}

/** ChainIDs of every prefix of `diffIds`, lowest first: `[0]` is the bottom layer alone. */
export function chainIdsOf(diffIds: readonly DiffId[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push((below === undefined ? diffId : digestOf(`${below} ${diffId}`)) as string as ChainId);
  }
  return chain;
}
