import { randomUUID } from "node:crypto";
import type { ContainerdBed } from "./containerd-bed.ts";
import { treeListing } from "./tree-listing.ts";

/** Where containerd's overlayfs keeps the trees of a chain of layers, the topmost first. */
export async function layerTrees(containerd: ContainerdBed, namespace: string, chainId: string): Promise<string[]> {
  // Nothing refers to the view: garbage collection takes it away.
  const key = `look-${randomUUID()}`;
  // `mount -t overlay overlay /mnt -o index=off,lowerdir=TOP:…`, of one layer `mount -t bind TREE /mnt -o ro,rbind`.
  const line = await containerd.ctr("-n", namespace, "snapshots", "view", "--target", "/mnt", key, chainId);
  const lower = /lowerdir=([^, ]+)/.exec(line)?.[1];
  return lower?.split(":") ?? [line.split(" ")[3] ?? ""];
}

/**
 * One layer's files as they lie, whiteouts and all; without how many names an inode has elsewhere, when a whiteout was
 * made, and the root's time: containerd sets it before the root has its files. And without capabilities of perl, which has
 * two names: containerd loses those of a file with several, as Docker 20.10 does. A directory that the lowest layer's archive
 * leaves out is as old as its tree, which is made after `sinceMs`.
 */
export async function layerListing(tree: string, sinceMs: number): Promise<string[]> {
  const isNew = (seconds: string) => Number(seconds) >= Math.floor(sinceMs / 1000);
  const lines = await treeListing(tree, "user|security|trusted");
  const kept = lines.filter((line) => !/^# file: .*\/perl[^]*security\.capability/.test(line));
  return kept.map((line) => {
    if (/\|c\|0\||^\.\|d\|/.test(line)) return line.replace(/\|\d{9,}\.\d+/, "");
    const [, directory, seconds] = /^(.*\|d\|.*)\|(\d{9,})\.\d+$/.exec(line) ?? [];
    if (directory !== undefined && seconds !== undefined && isNew(seconds)) return directory;
    return line.replace(/^(.*\|[fl]\|.*)\|\d+\|(\d+)$/, "$1|$2");
  });
}
