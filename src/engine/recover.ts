import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";

/**
 * At start: makes records and machine agree after a crash, a kill or a reboot, then applies restart policies.
 *
 * Running containers are taken up again, exits that happened meanwhile recorded, half-made and half-removed ones
 * finished as removals, everything without an owner taken away. Nothing else may call the engine before it is done.
 */
export async function recover(_call: Call, _engine: Engine): Promise<void> {
  throw new EngineError("notImplemented", "recover: not implemented");
}
