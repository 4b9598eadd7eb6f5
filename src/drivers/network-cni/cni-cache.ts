import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { removeFile } from "#base/remove-tree.ts";
import type { CniAttachmentSpec, CniNetworkList } from "./cni.ts";

export type CachedAttachment = { readonly capabilityArgs: JsonObject; readonly result: JsonObject };

/**
 * Results of ADD, one file per attachment, so that CHECK and DEL get the previous result also after a restart.
 * Field names as in libcni's cache (`cniCacheV1`), so its tools read them.
 */
export class CniCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Not atomic: half of an entry counts as none, and nobody has been told of the attachment yet. */
  async write(list: CniNetworkList, spec: CniAttachmentSpec, result: JsonObject): Promise<void> {
    const entry = {
      kind: "cniCacheV1",
      containerId: spec.containerId,
      config: Buffer.from(JSON.stringify(list)).toString("base64"),
      ifName: spec.interfaceName,
      networkName: list.name,
      cniArgs: Object.entries(spec.args ?? {}),
      capabilityArgs: spec.capabilityArgs ?? {},
      result,
    };
    const write = () => writeFile(this.#path(list, spec), JSON.stringify(entry), { mode: 0o600 });
    try {
      await write();
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await write();
    }
  }

  /** A file that cannot be read counts as none: DEL has to work without. */
  async read(list: CniNetworkList, spec: CniAttachmentSpec): Promise<CachedAttachment | undefined> {
    const entry = await readEntry(this.#path(list, spec));
    if (entry?.result === undefined) return undefined;
    return { result: entry.result, capabilityArgs: entry.capabilityArgs ?? {} };
  }

  /** The configuration that the entry of an attachment was made with; of `likely`'s network in most cases. */
  async listOf(spec: CniAttachmentSpec, likely?: CniNetworkList): Promise<CniNetworkList | undefined> {
    const expected = likely && (await readEntry(this.#path(likely, spec)));
    const config = expected?.config ?? (await this.#findEntry(spec))?.config;
    return config === undefined ? undefined : (JSON.parse(Buffer.from(config, "base64").toString()) as CniNetworkList);
  }

  async #findEntry({ containerId, interfaceName }: CniAttachmentSpec): Promise<Entry | undefined> {
    const names = await namesIn(this.#directory);
    const name = names.find((it) => it.endsWith(`_${containerId}_${interfaceName}`));
    return name === undefined ? undefined : await readEntry(join(this.#directory, name));
  }

  async delete(list: CniNetworkList, spec: CniAttachmentSpec): Promise<void> {
    await removeFile(this.#path(list, spec));
  }

  /** Removes entries that `isLive` does not know, and those that cannot be read. */
  async prune(isLive: (networkName: string, containerId: string) => boolean): Promise<void> {
    for (const name of await namesIn(this.#directory)) {
      const path = join(this.#directory, name);
      const entry = await readEntry(path);
      if (!isLive(entry?.networkName ?? "", entry?.containerId ?? "")) await rm(path, { force: true });
    }
  }

  #path(list: CniNetworkList, spec: CniAttachmentSpec): string {
    return join(this.#directory, `${list.name}_${spec.containerId}_${spec.interfaceName}`);
  }
}

type Entry = Partial<CachedAttachment & { config: string; networkName: string; containerId: string }>;

async function readEntry(path: string): Promise<Entry | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Entry;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
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
