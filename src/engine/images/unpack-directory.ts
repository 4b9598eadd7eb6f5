import { join } from "node:path";
import type { Engine } from "../engine.ts";

/** Where layers are mounted while they are unpacked; what a crash leaves there is taken away at start. */
export function unpackDirectory({ settings }: Pick<Engine, "settings">): string {
  return join(settings.stateDirectory, "unpack");
}
