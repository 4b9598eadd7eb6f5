import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { temporaryLeaseLabel } from "#core/leases/lease-store.ts";
import type { Engine } from "./engine.ts";

/**
 * At start, before any call: removes the leases of calls that a crash ended. Clients' own leases stay. What they held
 * goes with the next collection, none is asked for: a pull that is tried again finds what it had.
 */
export async function recoverLeases(call: Call, { leases }: Pick<Engine, "leases">): Promise<void> {
  for (const { id, namespace, labels } of await leases.listAll()) {
    if (!(temporaryLeaseLabel in labels)) continue;
    try {
      await leases.delete({ ...call, namespace }, id);
    } catch (error) {
      if (!isKind(error, "notFound")) throw error;
    }
  }
}
