import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import { isWithin, readMountTable } from "#base/mount-table.ts";
import { removeTree } from "#base/remove-tree.ts";
import { parseNamespace, type Call, type Namespace } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { VolumeIndex, VolumeRecord } from "#core/volumes/volume-index.ts";
import type { Volume, VolumeStore } from "#core/volumes/volume-store.ts";
import { directoryUsageBytes, isEmptyDirectory } from "./directory-usage.ts";
import { fillVolume, recoverFill } from "./fill-volume.ts";
import { checkVolumeName, checkVolumeOptions } from "./volume-name.ts";

/** Volumes as directories below `root`, which is made when missing. */
export class LocalVolumeStore implements VolumeStore {
  readonly #root: string;
  readonly #index: VolumeIndex;
  readonly #locks = new KeyedLock();

  constructor(root: string, index: VolumeIndex) {
    this.#root = root;
    this.#index = index;
  }

  async create(
    call: Call,
    request: { name?: string; anonymous?: boolean; labels?: Labels; options?: Readonly<Record<string, string>> },
  ): Promise<Volume> {
    const name = request.name ?? randomBytes(32).toString("hex");
    checkVolumeName(name);
    checkVolumeOptions(request.options ?? {});
    using _lock = await this.#lock(call, name);
    const existing = await this.#index.find(call, name);
    if (existing?.state === "ready") return this.#toVolume(existing);
    // Its removal was cut short: finish that, then begin anew.
    if (existing !== undefined) await this.#removeFiles(call, existing);
    const record: VolumeRecord = {
      namespace: call.namespace,
      name,
      state: "ready",
      labels: request.labels ?? {},
      options: {},
      anonymous: request.anonymous ?? request.name === undefined,
      createdAtNs: nowNs(),
    };
    await this.#index.insert(call, record);
    try {
      await this.#makeDirectory(record);
    } catch (error) {
      await this.#index.delete(call, name);
      throw this.#toVolumeError(name, error);
    }
    return this.#toVolume(record);
  }

  async get(call: Call, name: string): Promise<Volume> {
    const volume = await this.find(call, name);
    if (volume === undefined) throw notFound(name);
    return volume;
  }

  async find(call: Call, name: string): Promise<Volume | undefined> {
    const record = await this.#index.find(call, name);
    return record?.state === "ready" ? this.#toVolume(record) : undefined;
  }

  async list(call: Call): Promise<Volume[]> {
    const records = await this.#index.list(call);
    return records.filter(({ state }) => state === "ready").map((record) => this.#toVolume(record));
  }

  async delete(call: Call, name: string): Promise<void> {
    using _lock = await this.#lock(call, name);
    const record = await this.#index.find(call, name);
    if (record === undefined) throw notFound(name);
    await this.#index.update(call, { ...record, state: "removing" });
    try {
      await this.#removeFiles(call, record);
    } catch (error) {
      await this.#index.update(call, { ...record, state: "ready" });
      throw this.#toVolumeError(name, error);
    }
  }

  async usageBytes(call: Call, name: string): Promise<number> {
    const { mountpoint } = await this.get(call, name);
    return await directoryUsageBytes(mountpoint, call.signal);
  }

  async isEmpty(call: Call, name: string): Promise<boolean> {
    const { mountpoint } = await this.get(call, name);
    return await isEmptyDirectory(mountpoint);
  }

  async fill(call: Call, name: string, write: (directory: string) => Promise<void>): Promise<boolean> {
    using _lock = await this.#lock(call, name);
    if (!(await this.isEmpty(call, name))) return false;
    await fillVolume(this.#directory({ namespace: call.namespace, name }), write);
    return true;
  }

  async recover(call: Call): Promise<void> {
    const known = new Set<string>();
    for (const record of await this.#index.listAll()) {
      if (record.state === "removing") {
        await this.#removeFiles(call, record);
        continue;
      }
      known.add(this.#directory(record));
      await this.#makeDirectory(record);
      await recoverFill(this.#directory(record));
    }
    for (const found of await this.#listDirectories()) {
      if (!known.has(this.#directory(found))) await this.#adopt(call, found);
    }
  }

  /** A directory without record: a create or a record that a crash cut off. */
  async #adopt(call: Call, found: { namespace: Namespace; name: string }): Promise<void> {
    const directory = this.#directory(found);
    if (await isEmptyDirectory(join(directory, "_data"))) {
      await removeTree(directory);
      return;
    }
    call.log.warn({ path: directory }, `volume ${found.name}: has files but no record: taken up as a volume`);
    const anonymous = /^[0-9a-f]{64}$/.test(found.name);
    const record = { ...found, state: "ready", labels: {}, options: {}, anonymous, createdAtNs: nowNs() } as const;
    await this.#index.insert({ ...call, namespace: found.namespace }, record);
  }

  async #listDirectories(): Promise<{ namespace: Namespace; name: string }[]> {
    const found: { namespace: Namespace; name: string }[] = [];
    for (const namespace of await directoriesIn(this.#root)) {
      for (const name of await directoriesIn(join(this.#root, namespace))) {
        found.push({ namespace: parseNamespace(namespace), name });
      }
    }
    return found;
  }

  async #makeDirectory(record: VolumeRecord): Promise<void> {
    await mkdir(this.#directory(record), { recursive: true, mode: 0o701 });
    const { mountpoint } = this.#toVolume(record);
    const made = await mkdir(mountpoint, { recursive: true });
    // Whatever the umask; a mode that somebody gave it later stays.
    if (made !== undefined) await chmod(mountpoint, 0o755);
  }

  async #removeFiles(call: Call, record: VolumeRecord): Promise<void> {
    const directory = this.#directory(record);
    await requireNothingMounted(record.name, directory);
    await removeTree(directory);
    await this.#index.delete({ ...call, namespace: record.namespace }, record.name);
  }

  #directory({ namespace, name }: { namespace: Namespace; name: string }): string {
    return join(this.#root, namespace, name);
  }

  #toVolume(record: VolumeRecord): Volume {
    const { name, labels, options, anonymous, createdAtNs } = record;
    const mountpoint = join(this.#directory(record), "_data");
    return { name, driver: "local", mountpoint, labels, options, anonymous, createdAtNs };
  }

  #toVolumeError(name: string, error: unknown): unknown {
    const errno = errnoOf(error);
    if (errno !== "ENOSPC" && errno !== "EDQUOT") return error;
    return new EngineError("resourceExhausted", `volume ${name}: no space left on the disk of ${this.#root}`, {
      cause: error,
    });
  }

  async #lock(call: Call, name: string): Promise<Disposable> {
    return await this.#locks.acquire(`${call.namespace}/${name}`, call.signal);
  }
}

/** Removal would go through a mount into what is mounted. */
async function requireNothingMounted(name: string, directory: string): Promise<void> {
  for (const { point: at } of await readMountTable()) {
    if (!isWithin(directory, at)) continue;
    throw new EngineError("failedPrecondition", `volume ${name}: ${at} is mounted`);
  }
}

async function directoriesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Docker's text. Source: moby daemon/volume/service/errors.go. */
function notFound(name: string): EngineError {
  return new EngineError("notFound", `get ${name}: no such volume`);
}
