import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** Cgroups below a test's own parent, in every hierarchy; the parent goes where it is empty. */
export async function leftCgroups(parent: string): Promise<string[]> {
  const left: string[] = [];
  for (const hierarchy of ["", ...(await readdir("/sys/fs/cgroup"))]) {
    const directory = join("/sys/fs/cgroup", hierarchy, parent);
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) left.push(join(directory, entry.name));
    await rmdir(directory).catch(() => {});
  }
  return left;
}
