import { posix } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { HostRoot } from "../host/host-root.ts";
import { parseContainerdConfig, type ContainerdConfig } from "./parse-config.ts";

const maxFiles = 256;

/**
 * A `config.toml` and all that it imports, in the order in which containerd merges them; undefined when it is not there.
 *
 * @throws invalidArgument for a file that is no TOML; notFound for an import by its whole name that is not there
 */
export async function readContainerdConfig(
  root: HostRoot,
  path: string,
): Promise<readonly [ContainerdConfig, ...ContainerdConfig[]] | undefined> {
  const text = await root.findText(path);
  if (text === undefined) return undefined;
  const main = parseContainerdConfig({ path, text });
  const files: [ContainerdConfig, ...ContainerdConfig[]] = [main];
  const pending = await importsOf(root, main);
  const seen = new Set([path]);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (seen.size > maxFiles) throw new EngineError("outOfRange", `${path}: imports more than ${maxFiles} files`);
    const found = await root.findText(next);
    if (found === undefined) throw new EngineError("notFound", `${path}: imports ${next}, which is not there`);
    const file = parseContainerdConfig({ path: next, text: found });
    files.push(file);
    pending.push(...(await importsOf(root, file)));
  }
  return files;
}

/** Relative ones from the directory of the file; a `*` stands for part of a name. */
async function importsOf(root: HostRoot, { tree, path }: ContainerdConfig): Promise<string[]> {
  const { imports } = tree;
  if (!Array.isArray(imports)) return [];
  const found: string[] = [];
  for (const one of imports) {
    if (typeof one !== "string") continue;
    const whole = posix.isAbsolute(one) ? posix.normalize(one) : posix.join(posix.dirname(path), one);
    if (!whole.includes("*")) found.push(whole);
    else found.push(...(await glob(root, whole)));
  }
  return found;
}

/** Names of the last part only, where such a pattern stands in practice. */
async function glob(root: HostRoot, pattern: string): Promise<string[]> {
  const directory = posix.dirname(pattern);
  const name = new RegExp(
    `^${posix
      .basename(pattern)
      .split("*")
      .map((part) => RegExp.escape(part))
      .join("[^/]*")}$`,
  );
  return (await root.list(directory)).filter((one) => name.test(one)).map((one) => posix.join(directory, one));
}
