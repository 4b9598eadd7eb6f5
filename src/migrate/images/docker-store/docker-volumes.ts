import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { diskUsage } from "./disk-usage.ts";
import type { DockerContainer } from "./docker-containers.ts";
import { isDirectory, listDirectory, readStoreFile } from "./store-files.ts";

/** A volume of Docker's `local` driver. */
export type DockerVolume = {
  readonly name: string;
  /** Its files. */
  readonly directory: string;
  /** Docker made up the name. */
  readonly anonymous: boolean;
  /** What is mounted there (`nfs host:/path`), where the files are not on this disk. */
  readonly mounts: string | undefined;
  /** Disk blocks; 0 where it is mounted from elsewhere. */
  readonly bytes: number;
  /** Owner of its root. */
  readonly uid: number;
  readonly gid: number;
  /** Names of containers that mount it. */
  readonly usedBy: readonly string[];
};

const maxOptionsBytes = 64 * 1024;

/** Source: moby v20.10.24 volume/local/local.go. */
export async function readVolumes(
  signal: AbortSignal,
  root: string,
  containers: readonly DockerContainer[],
): Promise<DockerVolume[]> {
  const volumes: DockerVolume[] = [];
  for (const name of await listDirectory(join(root, "volumes"))) {
    const directory = join(root, "volumes", name, "_data");
    if (!/^[A-Za-z0-9][\w.-]+$/.test(name) || !(await isDirectory(directory))) continue;
    const { uid, gid } = await lstat(directory);
    const mounts = await mountOf(join(root, "volumes", name, "opts.json"));
    volumes.push({
      name,
      directory,
      anonymous: /^[0-9a-f]{64}$/.test(name),
      mounts,
      bytes: mounts === undefined ? await diskUsage(signal, directory) : 0,
      uid,
      gid,
      usedBy: containers.filter((one) => one.volumes.includes(name)).map((one) => one.name),
    });
  }
  return volumes;
}

/** What a volume with options mounts. */
async function mountOf(path: string): Promise<string | undefined> {
  try {
    const options = JsonReader.parse(await readStoreFile(path, maxOptionsBytes), path, maxOptionsBytes);
    const device = options.at("MountDevice").optionalString() ?? "";
    return device === "" ? undefined : `${options.at("MountType").optionalString() ?? ""} ${device}`.trim();
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
