import { open, rename, rm } from "node:fs/promises";

/** Writes a file that is there whole or not at all: what stood there before stays when `pieces` ends in an error. */
export async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    {
      await using file = await open(temporary, "wx", 0o600);
      // Not `write`, which may take less than it is given.
      for await (const piece of pieces) await file.writeFile(piece);
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
