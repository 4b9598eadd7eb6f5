import { isKind, messageOf } from "#base/errors.ts";
import { abortable } from "#base/keyed-lock.ts";
import { detachedCall, type Call, type Namespace } from "#core/call.ts";
import type { ImageName } from "#core/images/image-store.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";
import { findContainerImage, type ContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { pullImage } from "./pull-image.ts";

export type SandboxImageOptions = {
  /** As a person writes it; empty: there is none, the built-in pause holds every pod. */
  readonly reference: string;
  /** Of pods: the image is pinned in it. */
  readonly namespace: Namespace;
  /** How long a pod waits for the image to come. Default: 30 s. */
  readonly pullTimeoutMs?: number;
  /** After a pull that failed, pods do without the image for so long. Default: 5 min. */
  readonly retryAfterMs?: number;
};

/** The image whose program holds what a pod's containers share, where a process is needed for that. */
export class SandboxImage {
  readonly #options: SandboxImageOptions;
  readonly #name: ImageName | undefined;
  #pull: Promise<void> | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  /** @throws invalidArgument for a reference that is none */
  constructor(options: SandboxImageOptions) {
    this.#options = options;
    this.#name = toName(options.reference);
  }

  /** As a person wrote it; empty: there is none. */
  get reference(): string {
    return this.#options.reference;
  }

  /** Whether an image of these names is kept for pods: no prune takes it, and a kubelet is told that it is pinned. */
  isPinned({ namespace }: Pick<Call, "namespace">, names: readonly ImageName[]): boolean {
    return this.#name !== undefined && namespace === this.#options.namespace && names.includes(this.#name);
  }

  /** The image, pulled when it is not here; undefined where it cannot be had, which is logged once per try. */
  async find(call: Call, engine: Engine): Promise<ContainerImage | undefined> {
    const { reference, retryAfterMs = 300_000 } = this.#options;
    if (this.#name === undefined) return undefined;
    const found = await findOrNothing(call, engine, reference);
    if (found !== undefined || performance.now() - this.#failedAtMs < retryAfterMs) return found;
    this.#pull ??= this.#bring(call, engine).finally(() => (this.#pull = undefined));
    await abortable(this.#pull, call.signal);
    return await findOrNothing(call, engine, reference);
  }

  /** One pull for all pods that wait for it, whoever of them goes away. */
  async #bring(call: Call, engine: Engine): Promise<void> {
    const { reference, pullTimeoutMs = 30_000 } = this.#options;
    try {
      await pullImage(detachedCall(call, pullTimeoutMs), engine, { reference });
    } catch (error) {
      this.#failedAtMs = performance.now();
      call.log.warn({ image: reference, error: messageOf(error) }, "sandbox image: not to be had, built-in pause used");
    }
  }
}

function toName(text: string): ImageName | undefined {
  if (text === "") return undefined;
  const { domain, path, tag, digest } = withDefaultTag(parseReference(text));
  const reference =
    digest === undefined ? { domain, path, ...(tag !== undefined && { tag }) } : { domain, path, digest };
  return formatReference(reference);
}

async function findOrNothing(call: Call, engine: Engine, reference: string): Promise<ContainerImage | undefined> {
  try {
    return await findContainerImage(call, engine, reference);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
