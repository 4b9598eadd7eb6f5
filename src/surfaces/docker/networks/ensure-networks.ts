import type { Call } from "#core/call.ts";
import { ensureBuiltinNetworks } from "#engine/create-network.ts";
import type { Engine } from "#engine/engine.ts";

const ensured = new WeakMap<object, Set<string>>();

/** `bridge`, `host` and `none` are there in every namespace that this surface is asked about. */
export async function ensureNetworks(call: Call, engine: Engine): Promise<void> {
  const known = ensured.get(engine.networks) ?? new Set();
  ensured.set(engine.networks, known);
  if (known.has(call.namespace)) return;
  await ensureBuiltinNetworks(call, engine);
  known.add(call.namespace);
}
