import { randomUUID } from "node:crypto";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";

const leaseMs = 24 * 3600 * 1000;

/**
 * A lease that keeps what is made until it is named; disposing ends it. One that a kill leaves over expires by itself.
 * Source: containerd docs/garbage-collection.md.
 */
export async function acquireLease(
  signal: AbortSignal,
  { leases }: ContainerdConnection,
): Promise<AsyncDisposable & { readonly id: string }> {
  const id = `ferry-migrate-${randomUUID()}`;
  const expire = new Date(Date.now() + leaseMs).toISOString();
  await leases.create({ id, labels: { "containerd.io/gc.expire": expire } }, { signal });
  return { id, [Symbol.asyncDispose]: async () => void (await leases.delete({ id })) };
}
