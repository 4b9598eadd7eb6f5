import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { EngineError } from "#base/errors.ts";
import { isWithin } from "#base/mount-table.ts";
import type { Conversion } from "./conversion.ts";

/**
 * Writes the files below `directory` at their paths on the host, with their modes, and `ledger.json` beside them. What is
 * there is overwritten: the directory is for looking, comparing and copying, not the host's root.
 *
 * @throws invalidArgument for a path that leads out of it
 */
export async function writeConversion({ files, ledger, target }: Conversion, directory: string): Promise<void> {
  for (const { path, content, mode } of files) {
    const place = join(directory, path);
    if (!isWithin(resolve(directory), resolve(place))) {
      throw new EngineError("invalidArgument", `${path}: leads out of ${directory}`);
    }
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content, { mode });
    // The umask does not count, and a file that was there had its own.
    await chmod(place, mode);
  }
  const text = JSON.stringify({ target, ledger }, undefined, 2);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "ledger.json"), `${text}\n`);
}
