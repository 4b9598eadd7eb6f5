import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** Skips the test, with the reason, unless it runs as root. Answers whether to go on: `if (!requireRoot(t)) return;` */
export function requireRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true;
  t.skip("needs root");
  return false;
}

/** Skips the test, with the reason, unless each of `names` is an executable on PATH. */
export function requireBinary(t: TestContext, ...names: string[]): boolean {
  const missing = names.filter((name) => findBinary(name) === undefined);
  if (missing.length === 0) return true;
  t.skip(`needs ${missing.join(", ")} on PATH`);
  return false;
}

/** Path of the executable `name`, from PATH and the system's own directories; a name with a slash is a path already. */
export function findBinary(name: string): string | undefined {
  if (name.includes("/")) return isExecutable(name) ? name : undefined;
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/lib/cni"];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
