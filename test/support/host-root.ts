import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HostRoot } from "#migrate/host/host-root.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type TemporaryHostRoot = AsyncDisposable & { readonly root: HostRoot };

/**
 * A host root made from one text, removed when disposed. A line `== /path` begins a file, its lines follow; blank lines
 * before the next one are dropped.
 *
 * ```
 * == /etc/hostname
 * worker-1
 * == /usr/bin/kubelet 0755
 * == /var/run -> /run
 * == /etc/cni/net.d/
 * ```
 *
 * An octal mode follows the path, ` -> ` makes a link, a slash at the end an empty directory. `{key}` is replaced by
 * `values[key]` where that is given.
 */
export async function hostRootOf(text: string, values: Record<string, string> = {}): Promise<TemporaryHostRoot> {
  const directory = await temporaryDirectory("host-root");
  for (const entry of parseHostText(text, values)) await writeEntry(directory.path, entry);
  return {
    root: new HostRoot(directory.path),
    [Symbol.asyncDispose]: async () => await directory[Symbol.asyncDispose](),
  };
}

/** {@link hostRootOf} of a file below `test/fixtures/hosts`, without its `.txt`. */
export async function hostRootFixture(name: string, values: Record<string, string> = {}): Promise<TemporaryHostRoot> {
  return await hostRootOf(
    await readFile(join(import.meta.dirname, "../fixtures/hosts", `${name}.txt`), "utf8"),
    values,
  );
}

type Entry = { path: string; mode: number; link: string | undefined; lines: string[] };

function parseHostText(text: string, values: Record<string, string>): Entry[] {
  const entries: Entry[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
    const head = /^== (\S+)(?: -> (\S+)| (0[0-7]{3}))?$/.exec(line);
    if (head === null) {
      entries.at(-1)?.lines.push(line);
      continue;
    }
    entries.push({ path: head[1] ?? "", link: head[2], mode: Number.parseInt(head[3] ?? "0644", 8), lines: [] });
  }
  return entries;
}

async function writeEntry(root: string, { path, mode, link, lines }: Entry): Promise<void> {
  const target = join(root, path);
  if (path.endsWith("/")) {
    await mkdir(target, { recursive: true });
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  if (link !== undefined) {
    await symlink(link, target);
    return;
  }
  const content = lines.join("\n").replace(/\n*$/, "");
  await writeFile(target, content === "" ? "" : `${content}\n`);
  await chmod(target, mode);
}
