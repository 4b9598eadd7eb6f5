import { isKind } from "#base/errors.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";

const leaseMs = 24 * 3600 * 1000;

/**
 * A lease that keeps what is made for an image until it is named; disposing ends it. One that a kill left over, with what
 * was half made under it, goes when the image's turn comes again, or expires by itself.
 *
 * Source: containerd docs/garbage-collection.md.
 */
export async function acquireLease(
  signal: AbortSignal,
  { leases }: ContainerdConnection,
  imageId: string,
): Promise<AsyncDisposable & { readonly id: string }> {
  const id = `ferry-migrate-${imageId}`;
  const expire = new Date(Date.now() + leaseMs).toISOString();
  const labels = { "containerd.io/gc.expire": expire };
  try {
    await leases.create({ id, labels }, { signal });
  } catch (error) {
    if (!isKind(error, "alreadyExists")) throw error;
    await leases.delete({ id, sync: true }, { signal });
    await leases.create({ id, labels }, { signal });
  }
  return { id, [Symbol.asyncDispose]: async () => void (await leases.delete({ id })) };
}
