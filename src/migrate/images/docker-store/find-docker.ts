import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** Files that a Docker engine holds locked for as long as it runs. */
const lockedFiles = ["volumes/metadata.db", "network/files/local-kv.db", "buildkit/cache.db"];

/**
 * The process that has the data root in use, by the locks on its databases: whichever socket and pid file it has.
 * Undefined when there is none, or where the machine does not tell.
 *
 * Source: bbolt, `flock` on open; proc_locks(5).
 */
export async function findDockerOn(root: string): Promise<number | undefined> {
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  const holders = new Map<string, number>();
  for (const line of locks.split("\n")) {
    const match = /FLOCK\s+\S+\s+WRITE\s+(\d+)\s+(\S+)/.exec(line);
    if (match !== null) holders.set(match[2] ?? "", Number(match[1]));
  }
  for (const name of lockedFiles) {
    const found = await stat(join(root, name), { bigint: true }).catch(() => undefined);
    if (found === undefined) continue;
    const pid = holders.get(lockKey(found.dev, found.ino));
    if (pid !== undefined) return pid;
  }
  return undefined;
}

/** `major:minor:inode` as the kernel prints it. */
function lockKey(device: bigint, inode: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  const hex = (value: bigint) => value.toString(16).padStart(2, "0");
  return `${hex(major)}:${hex(minor)}:${inode}`;
}
