import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { TarEntry } from "./tar-entry.ts";

export type TreeToPack = {
  /** File or directory here. */
  readonly path: string;
  /** What it is called in the archive; `.` packs a directory's contents only. */
  readonly name: string;
  /** Keep owners; otherwise everything belongs to root, as `cp` without `-a` makes it. */
  readonly owners: boolean;
  /** Pack what a link points to, for the topmost one. */
  readonly followLink: boolean;
};

const blockBytes = 512;

/** A tar archive of a file or directory here. Sockets, pipes and devices are left out. */
export async function* packTree(tree: TreeToPack): AsyncGenerator<Buffer> {
  const { realpath } = await import("node:fs/promises");
  yield* packPath(tree.followLink ? await realpath(tree.path) : tree.path, tree.name, tree.owners);
  yield Buffer.alloc(2 * blockBytes);
}

async function* packPath(path: string, name: string, owners: boolean): AsyncGenerator<Buffer> {
  const found = await lstat(path);
  const base = {
    mode: found.mode & 0o7777,
    uid: owners ? found.uid : 0,
    gid: owners ? found.gid : 0,
    mtimeSeconds: Math.floor(found.mtimeMs / 1000),
    sizeBytes: 0,
    linkName: "",
  };
  if (found.isDirectory()) {
    yield* formatEntry({ ...base, name: `${name}/`, type: "directory" });
    for (const child of await readdir(path)) yield* packPath(join(path, child), `${name}/${child}`, owners);
  } else if (found.isSymbolicLink()) {
    yield* formatEntry({ ...base, name, type: "symlink", linkName: await readlink(path) });
  } else if (found.isFile()) {
    yield* formatEntry({ ...base, name, type: "file", sizeBytes: found.size });
    yield* fileContent(path, found.size);
  }
}

/** Exactly `sizeBytes`, whatever happens to the file meanwhile, and the padding. */
async function* fileContent(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  let left = sizeBytes;
  if (left > 0) {
    for await (const chunk of createReadStream(path, { end: sizeBytes - 1, highWaterMark: 1 << 18 })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  yield Buffer.alloc(left + ((blockBytes - (sizeBytes % blockBytes)) % blockBytes));
}

/** Header blocks of an entry; a PAX one first when a name or size does not fit. */
export function* formatEntry(entry: TarEntry): Generator<Buffer> {
  const pax: string[] = [];
  if (Buffer.byteLength(entry.name) > 100) pax.push(paxRecord("path", entry.name));
  if (Buffer.byteLength(entry.linkName) > 100) pax.push(paxRecord("linkpath", entry.linkName));
  if (entry.sizeBytes > 0o77777777777) pax.push(paxRecord("size", String(entry.sizeBytes)));
  if (pax.length > 0) {
    const data = Buffer.from(pax.join(""));
    yield header({ ...entry, name: "PaxHeader", linkName: "", sizeBytes: data.length }, "x");
    yield Buffer.concat([data, Buffer.alloc((blockBytes - (data.length % blockBytes)) % blockBytes)]);
  }
  yield header(entry, typeFlags[entry.type]);
}

const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5", other: "0" } as const;

function header(entry: TarEntry, type: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    block.write(
      Math.min(value, 8 ** (length - 1) - 1)
        .toString(8)
        .padStart(length - 1, "0"),
      at,
    );
  Buffer.from(entry.name).copy(block, 0, 0, 100);
  octal(entry.mode, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(entry.sizeBytes, 124, 12);
  octal(Math.max(0, entry.mtimeSeconds), 136, 12);
  block.fill(" ", 148, 156);
  block.write(type, 156);
  Buffer.from(entry.linkName).copy(block, 157, 0, 100);
  block.write("ustar\u000000", 257, "latin1");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + 1;
  while (String(length).length + bytes !== length) length = String(length).length + bytes;
  return `${length}${rest}`;
}
