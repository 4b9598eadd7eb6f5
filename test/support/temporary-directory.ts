import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TemporaryDirectory = AsyncDisposable & { readonly path: string };

/** A directory of its own below `/tmp`, removed with all that is in it when disposed: `await using directory = …`. */
export async function temporaryDirectory(label = "test"): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `ferry-${label}-`));
  return {
    path,
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
