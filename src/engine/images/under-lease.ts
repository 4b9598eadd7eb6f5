import { detachedCall, type Call } from "#core/call.ts";
import { temporaryLeaseLabel } from "#core/leases/lease-store.ts";
import type { Engine } from "../engine.ts";

const leaseMs = 24 * 3600 * 1000;

/** `call` with its own lease, or with one that ends with `undo`. */
export async function underLease(
  call: Call,
  { leases }: Pick<Engine, "leases">,
  undo: AsyncDisposableStack,
): Promise<Call> {
  if (call.leaseId !== undefined) return call;
  const lease = await leases.create(call, { labels: { [temporaryLeaseLabel]: "" }, expireAfterMs: leaseMs });
  undo.defer(async () => await leases.delete(detachedCall(call), lease.id));
  return { ...call, leaseId: lease.id };
}
