import type { Brand } from "#base/brand.ts";
import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Labels } from "#core/labels.ts";

/**
 * Full name of an image in its namespace: `docker.io/library/nginx:latest`, `docker.io/library/nginx@sha256:…`, or
 * `dangling@sha256:…` for one that lost its last tag.
 */
export type ImageName = Brand<string, "ImageName">;

export type Image = {
  readonly name: ImageName;
  /** An index or a manifest. */
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAtNs: UnixNs;
  readonly updatedAtNs: UnixNs;
};

/** Image names and what they point at; a name is a garbage collection root for all that its target leads to. */
export interface ImageStore {
  find(call: Call, name: ImageName): Promise<Image | undefined>;
  /** @throws notFound */
  get(call: Call, name: ImageName): Promise<Image>;
  list(call: Call): Promise<Image[]>;
  /** Creates the name or moves it to `target`; answers what it pointed at before. */
  put(call: Call, name: ImageName, target: Descriptor, labels?: Labels): Promise<{ image: Image; previous?: Image }>;
  /** @throws notFound */
  delete(call: Call, name: ImageName): Promise<void>;
}
