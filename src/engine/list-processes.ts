import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "./engine.ts";

export type ProcessTable = { readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] };

/**
 * Processes of a container as `ps` shows them: `-ef` by default, `-o` with a list of columns, `aux`.
 *
 * No process is started: the columns are read from /proc. Publishes `top`.
 *
 * @throws conflict when it does not run
 * @throws invalidArgument for an option or column that is not known
 */
export async function listProcesses(
  _call: Call,
  _engine: Engine,
  _idOrName: string,
  _psArgs?: string,
): Promise<ProcessTable> {
  throw new EngineError("notImplemented", "list processes: not implemented");
}
