import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Readable } from "node:stream";
import type { TreeStat } from "#core/layers/tree-archiver.ts";
import type { Engine } from "./engine.ts";

export type ArchivePath = { readonly container: string; readonly path: string };

export type WriteArchiveRequest = ArchivePath & {
  readonly archive: AsyncIterable<Uint8Array>;
  /** Refuse to replace a directory by a file or the reverse. */
  readonly keepTypes: boolean;
  /** Owners as in the archive; otherwise root. */
  readonly keepOwners: boolean;
};

/**
 * What stands at a path of a container, volumes included.
 *
 * @throws notFound
 */
export async function statArchive(_call: Call, _engine: Engine, _at: ArchivePath): Promise<TreeStat> {
  throw new EngineError("notImplemented", "stat archive: not implemented");
}

/**
 * A tar of a path of a container, running or not. The stream ends what was mounted for it when it ends or is destroyed.
 *
 * @throws notFound
 */
export async function readArchive(
  _call: Call,
  _engine: Engine,
  _at: ArchivePath,
): Promise<{ stat: TreeStat; archive: Readable }> {
  throw new EngineError("notImplemented", "read archive: not implemented");
}

/**
 * Unpacks a tar into a directory of a container.
 *
 * @throws notFound @throws invalidArgument when the path is no directory
 * @throws permissionDenied when the root or the volume there is read-only
 */
export async function writeArchive(_call: Call, _engine: Engine, _request: WriteArchiveRequest): Promise<void> {
  throw new EngineError("notImplemented", "write archive: not implemented");
}
