import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes `path` so that a reader, or the next start after a power failure, sees the old bytes or the new ones.
 *
 * Temporary file beside it, fsync, rename, fsync of the directory. `durable: false` leaves both fsyncs out, for files
 * under a state directory that a reboot clears.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { mode?: number; durable?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const durable = options.durable ?? true;
  try {
    await writeWhole(temporary, data, options.mode ?? 0o600, durable);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durable) await syncDirectory(dirname(path));
}

/** Makes the names in a directory survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

async function writeWhole(path: string, data: string | Uint8Array, mode: number, durable: boolean): Promise<void> {
  await using handle = await open(path, "wx", mode);
  await handle.writeFile(data);
  if (durable) await handle.sync();
}
