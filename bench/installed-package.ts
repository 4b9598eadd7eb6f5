import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { command } from "#test/support/processes.ts";

/**
 * Builds this checkout and lays it out below `directory` as npm does on a node: compiled code, and a Node of its own, so
 * that neither type stripping nor pages shared with the benchmark's Node are in the figures. Answers its `bin`.
 */
export async function installPackage(directory: string): Promise<string> {
  await command(["npm", "run", "build", "--silent"]);
  await mkdir(join(directory, "node_modules"), { recursive: true });
  for (const name of ["bin", "dist", "package.json"]) await cp(name, join(directory, name), { recursive: true });
  for (const name of await readdir("node_modules")) {
    if (name !== "node" && !name.startsWith("."))
      await symlink(resolve("node_modules", name), join(directory, "node_modules", name));
  }
  await cp("node_modules/node", join(directory, "node_modules/node"), { recursive: true, dereference: true });
  return join(directory, "bin");
}
