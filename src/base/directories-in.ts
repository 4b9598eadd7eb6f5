import { readdir } from "node:fs/promises";

/** Names of the directories in `path`; none when it cannot be read. */
export async function directoriesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
