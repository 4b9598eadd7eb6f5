import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";

export type Holder = { readonly networkId: string; readonly containerId: string };

/**
 * Address leases as host-local keeps them: `<directory>/<network>/<address>` holds the container's id and interface.
 * Source: containernetworking/plugins, plugins/ipam/host-local/backend/disk.
 */
export class Leases {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async ensure(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  /** Id of the container that holds `address`. */
  async findHolder(networkId: string, address: string): Promise<string | undefined> {
    return await holderIn(join(this.directory, networkId, address));
  }

  /** Frees what `isLive` does not know; a network without any lease loses its directory. Answers who holds the rest. */
  async prune(isLive: (networkId: string, containerId: string) => boolean): Promise<Holder[]> {
    const holders: Holder[] = [];
    for (const networkId of await namesIn(this.directory)) {
      const addresses = (await namesIn(join(this.directory, networkId))).filter((name) => /^[0-9a-f]*[.:]/i.test(name));
      const before = holders.length;
      for (const address of addresses) {
        const path = join(this.directory, networkId, address);
        const holder = await holderIn(path);
        if (holder !== undefined && isLive(networkId, holder)) holders.push({ networkId, containerId: holder });
        else await rm(path, { force: true });
      }
      if (holders.length === before) await this.deleteNetwork(networkId);
    }
    return holders;
  }

  /** Idempotent. */
  async deleteNetwork(networkId: string): Promise<void> {
    await rm(join(this.directory, networkId), { recursive: true, force: true });
  }
}

async function holderIn(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).split(/\r?\n/)[0];
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
