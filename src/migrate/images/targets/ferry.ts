import { lstat, stat } from "node:fs/promises";
import { EngineError, type ErrorKind } from "#base/errors.ts";
import { DockerApiError } from "#clients/docker/api-error.ts";
import type { DockerClient } from "#clients/docker/docker-client.ts";
import { formatEndpoint } from "#clients/docker/endpoint.ts";
import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import { parseDiffId, parseDigest, type DiffId } from "#core/content/digest.ts";
import { formatFamiliar, parseReference } from "#core/images/reference.ts";
import { imageLabel, type DockerImage } from "../docker-store/docker-image.ts";
import type { DockerVolume } from "../docker-store/docker-volumes.ts";
import type { DiskNeed, ImageProof, ImagesPlan, ImageTarget, LayerProof, Progress } from "../image-target.ts";
import { explainDamage } from "../layer-archive.ts";
import { roundedUp } from "../scan-layer.ts";

/** `client` speaks for `namespace`, `volumes` for the one that Docker's clients see: no pod has a named volume. */
export type FerryConnection = {
  readonly client: DockerClient;
  readonly volumes: DockerClient;
  readonly namespace: string;
};

/**
 * A running ferryd on this machine. It takes layers from Docker's trees itself: hard linked or cloned where both are on
 * one filesystem, written anew elsewhere; verified either way.
 */
export class FerryTarget implements ImageTarget {
  readonly name: string;
  readonly #client: DockerClient;
  readonly #volumes: DockerClient;
  readonly #root: string;

  private constructor({ client, volumes, namespace }: FerryConnection, root: string) {
    this.name = `ferry ${formatEndpoint(client.endpoint)} ${namespace}`;
    this.#client = client;
    this.#volumes = volumes;
    this.#root = root;
  }

  /** @throws failedPrecondition when another engine answers, or one on another machine */
  static async open(signal: AbortSignal, connection: FerryConnection): Promise<FerryTarget> {
    const { client } = connection;
    const { Platform } = await client.json<{ Platform?: { Name: string } }>({ path: "/version", signal });
    const { DockerRootDir: root = "" } = await client.json<{ DockerRootDir?: string }>({ path: "/info", signal });
    const where = formatEndpoint(client.endpoint);
    if (Platform?.Name !== "Ferry") {
      throw new EngineError("failedPrecondition", `${where}: not a Ferry daemon; name one with --host`);
    }
    if (client.endpoint.type !== "unix") {
      throw new EngineError(
        "failedPrecondition",
        `${where}: must be a socket of this machine: the daemon reads Docker's files`,
      );
    }
    return new FerryTarget(connection, root);
  }

  async forecast(signal: AbortSignal, plan: ImagesPlan): Promise<DiskNeed[]> {
    const present = await this.#presentLayers(signal, plan);
    const { dev } = await stat(this.#root);
    let [bytes, inodes] = [0, 0];
    for (const [diffId, { layer, scan }] of plan.layers) {
      if (present.has(diffId)) continue;
      const shared = (await lstat(layer.directory)).dev === dev ? scan.sharable : { files: 0, bytes: 0 };
      bytes += scan.fileBytes - shared.bytes + scan.otherBytes + roundedUp(scan.recipeBytes) + directoriesBytes;
      inodes += scan.inodes - shared.files + ownInodes;
    }
    let records = 0;
    for (const { configBytes } of plan.images) {
      bytes += roundedUp(configBytes.length) + manifestBytes;
      inodes += 2;
      records++;
    }
    records += plan.layers.size - present.size;
    return [{ path: this.#root, bytes: bytes + Math.min(records * recordBytes, maxLogBytes), inodes }];
  }

  async put(signal: AbortSignal, image: DockerImage, plan: ImagesPlan, progress: Progress): Promise<ImageProof> {
    const request = {
      Config: image.configBytes.toString("base64"),
      Layers: image.layers.map(({ diffId, recipePath, directory }) => {
        return { Recipe: recipePath, Files: directory, Size: plan.layers.get(diffId)?.scan.tarBytes };
      }),
      Names: [...image.tags, ...image.digests],
    };
    const sizes = new Map(image.layers.map(({ diffId }) => [diffId.slice(7, 19), plan.layers.get(diffId)]));
    const path = "/ferry/images/adopt";
    for await (const message of this.#client.lines<AdoptMessage>({ method: "POST", path, json: request, signal })) {
      if (message.error !== undefined) throw await explained(image, message);
      if (message.status === "Adopted") progress(sizes.get(message.id ?? "")?.scan.tarBytes ?? 0);
      if (message.aux !== undefined) return toProof(image, message.aux);
    }
    throw new EngineError("unavailable", `${this.name}: ended in the middle of ${imageLabel(image)}`);
  }

  async putVolume(signal: AbortSignal, { name, directory }: DockerVolume): Promise<"carried" | "kept"> {
    const request = {
      method: "POST",
      path: "/ferry/volumes/adopt",
      json: { Name: name, Files: directory },
      signal,
    } as const;
    const { How } = await this.#volumes.json<{ How: string }>(request);
    return How === "carried" ? "carried" : "kept";
  }

  async has(signal: AbortSignal, proof: ImageProof): Promise<boolean> {
    for (const name of [proof.id, ...proof.names])
      if ((await this.#idOf(signal, familiar(name))) !== proof.id) return false;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #idOf(signal: AbortSignal, name: string): Promise<string | undefined> {
    return (await this.#inspect(signal, name))?.Id;
  }

  async #inspect(signal: AbortSignal, name: string): Promise<Inspected | undefined> {
    try {
      return await this.#client.json<Inspected>({ path: `/images/${encodeURIComponent(name)}/json`, signal });
    } catch (error) {
      if (error instanceof DockerApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Of those images that are there; what a run that was cut short left of another one is not known here. */
  async #presentLayers(signal: AbortSignal, plan: ImagesPlan): Promise<ReadonlySet<DiffId>> {
    const present = new Set<DiffId>();
    for (const { id, layers } of plan.images) {
      if ((await this.#idOf(signal, id)) === id) for (const { diffId } of layers) present.add(diffId);
    }
    return present;
  }
}

type Inspected = { readonly Id: string };
type Aux = { readonly ID: string; readonly Manifest: string; readonly Layers: { DiffID: string; How: string }[] };
type AdoptMessage = Omit<ProgressMessage, "aux"> & { readonly aux?: Aux; readonly errorKind?: ErrorKind };

/** A snapshot's own directories, beside its files': itself and overlayfs's working one. */
const directoriesBytes = 2 * 4096;
/** Those, and the recipe's blob. */
const ownInodes = 3;
const manifestBytes = 4096;
/** The pages that a layer's or an image's records change go through the database's log, which is written over at its limit. */
const recordBytes = 50 * 1024;
const maxLogBytes = 4 * 1024 * 1024;

function toProof({ id, tags, digests }: DockerImage, aux: Aux): ImageProof {
  if (aux.ID !== id) throw new EngineError("dataLoss", `image ${id}: it came out as ${aux.ID}`);
  const layers = aux.Layers.map(({ DiffID, How }): LayerProof => {
    return { diffId: parseDiffId(DiffID), how: How === "present" ? "present" : "carried" };
  });
  return { id, names: [...tags, ...digests], manifest: parseDigest(aux.Manifest), layers };
}

/** The daemon's error with the files that changed, where a layer is at fault. */
async function explained({ layers }: DockerImage, { error = "", errorKind }: AdoptMessage): Promise<EngineError> {
  const layer = errorKind === "dataLoss" ? layers.find(({ diffId }) => error.includes(diffId)) : undefined;
  const why = layer === undefined ? "" : await explainDamage(layer);
  return new EngineError(errorKind ?? "unknown", `${error}${why}`);
}

/** As Docker's API takes a name in a path. */
function familiar(name: string): string {
  return name.startsWith("sha256:") ? name : formatFamiliar(parseReference(name));
}
