import type { Call } from "#core/call.ts";
import type { LabelPatch, Labels } from "#core/labels.ts";
import type { ContentInfo } from "./content-store.ts";
import type { Digest } from "./digest.ts";

/**
 * The records behind a content store: which namespace has which blob, with which labels.
 *
 * A content driver keeps bytes and asks this for the rest; garbage collection takes records away here.
 */
export interface ContentIndex {
  find(call: Call, digest: Digest): Promise<ContentInfo | undefined>;
  list(call: Call): Promise<ContentInfo[]>;
  /** Size of a blob that any namespace has. */
  findAnywhere(digest: Digest): Promise<{ sizeBytes: number } | undefined>;
  /** Digests that any namespace has. */
  listAnywhere(): Promise<Set<Digest>>;
  /** Adds the record, and to the call's lease, in one transaction. @throws alreadyExists (the lease has it then too) */
  insert(call: Call, digest: Digest, sizeBytes: number, labels: Labels): Promise<ContentInfo>;
  /** @throws notFound */
  updateLabels(call: Call, digest: Digest, patch: LabelPatch): Promise<ContentInfo>;
  /** @throws notFound */
  delete(call: Call, digest: Digest): Promise<void>;
  /** Removes every namespace's record, when the bytes are lost. Idempotent. */
  deleteAnywhere(digest: Digest): Promise<void>;
}
