import { stat } from "node:fs/promises";
import { EngineError } from "#base/errors.ts";
import { readTarSplit } from "#base/tar-split/tar-split.ts";
import type { DockerLayer } from "./docker-store/docker-image.ts";

/** What a layer's archive holds, from its headers alone. */
export type LayerScan = {
  readonly tarBytes: number;
  readonly recipeBytes: number;
  /** Members that get an inode of their own when the layer is unpacked. */
  readonly inodes: number;
  /** Disk blocks of the files' content. */
  readonly fileBytes: number;
  /** Disk blocks of everything else: directories, links too long for their inode. */
  readonly otherBytes: number;
  /** Files that a target on the same filesystem can share with the source: they take no disk there. */
  readonly sharable: { readonly files: number; readonly bytes: number };
};

/** Written anew everywhere; see `drivers/layer-tar/shared-files.ts`. */
const neverShared = /^(?:\.?\/)*(?:etc|var)\//;

/** No longer one was ever unpacked. Source: path_resolution(7), PATH_MAX */
const maxNameLength = 4096;
const blockBytes = 4096;
/** A link's target up to here is kept in the inode. Source: ext4 documentation, "Symbolic Links". */
const inlineLinkBytes = 59;

/** Reads the whole tar-split file, no content. @throws dataLoss when it is damaged */
export async function scanLayer({ recipePath }: Pick<DockerLayer, "recipePath">): Promise<LayerScan> {
  const scan = { tarBytes: 0, inodes: 1, fileBytes: 0, linkBytes: 0, sharedFiles: 0, sharedBytes: 0 };
  const directories = new Map<string, number>([["", directoryHeaderBytes]]);
  const capable = new Map<string, number>();
  let header: Buffer | undefined;
  for await (const entries of readTarSplit(recipePath)) {
    for (const entry of entries) {
      if (entry.t === "segment") {
        scan.tarBytes += entry.bytes.length;
        header = entry.bytes;
        continue;
      }
      if (entry.name.length >= maxNameLength) {
        throw new EngineError(
          "dataLoss",
          `layer recipe ${recipePath}: entry ${entry.name.slice(0, 80)}…: name too long`,
        );
      }
      scan.tarBytes += entry.sizeBytes;
      const type = typeOf(header);
      const path = entry.name.split("/").filter((part) => part !== "" && part !== ".");
      noteChild(directories, path);
      if (type === "directory")
        directories.set(path.join("/"), directories.get(path.join("/")) ?? directoryHeaderBytes);
      else if (type !== "hardlink") scan.inodes++;
      if (type === "longlink") scan.linkBytes += blockBytes;
      scan.fileBytes += roundedUp(entry.sizeBytes);
      if (type === "hardlink") unshare(scan, capable, linkTarget(header));
      if (entry.sizeBytes === 0 || neverShared.test(entry.name)) continue;
      scan.sharedFiles++;
      scan.sharedBytes += roundedUp(entry.sizeBytes);
      if (header?.includes(capability) === true) capable.set(entry.name, roundedUp(entry.sizeBytes));
    }
  }
  const directoryBytes = [...directories.values()].reduce((sum, bytes) => sum + roundedUp(bytes), 0);
  return {
    tarBytes: scan.tarBytes,
    recipeBytes: (await stat(recipePath)).size,
    inodes: scan.inodes + directories.size - 1,
    fileBytes: scan.fileBytes,
    otherBytes: directoryBytes + scan.linkBytes,
    sharable: { files: scan.sharedFiles, bytes: scan.sharedBytes },
  };
}

export function roundedUp(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

const capability = "SCHILY.xattr.security.capability=";

/** A file with capabilities and a second name: Docker 20.10 lost them when it made that one, so the file is written anew. */
function unshare(scan: { sharedFiles: number; sharedBytes: number }, capable: Map<string, number>, name: string): void {
  const bytes = capable.get(name);
  if (bytes === undefined) return;
  capable.delete(name);
  scan.sharedFiles--;
  scan.sharedBytes -= bytes;
}

function linkTarget(segment: Buffer | undefined): string {
  return (segment?.subarray(-512).toString("latin1", 157, 257) ?? "").replace(/\0[^]*$/, "");
}

/** `.` and `..`. */
const directoryHeaderBytes = 24;

/** Directories grow by their names; those that the archive leaves out are made all the same. */
function noteChild(directories: Map<string, number>, path: readonly string[]): void {
  const parent = path.slice(0, -1).join("/");
  if (!directories.has(parent)) noteChild(directories, path.slice(0, -1));
  const name = path.at(-1) ?? "";
  directories.set(parent, (directories.get(parent) ?? directoryHeaderBytes) + 8 + Math.ceil(name.length / 4) * 4);
}

/** From the header, which ends the segment before a file's entry. */
function typeOf(segment: Buffer | undefined): "file" | "directory" | "hardlink" | "longlink" | "other" {
  const header = segment?.subarray(-512);
  const flag = String.fromCharCode(header?.[156] ?? 0);
  if (flag === "5") return "directory";
  if (flag === "1") return "hardlink";
  if (flag === "2") return header?.[157 + inlineLinkBytes] === 0 ? "other" : "longlink";
  return flag === "0" || flag === "\0" ? "file" : "other";
}
