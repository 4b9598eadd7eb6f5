import { sniffCompression } from "#base/decompress.ts";
import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "#core/call.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import type { DiffId } from "#core/content/digest.ts";
import { decodeImageConfig, type ImageConfig } from "#core/images/image-config.ts";
import { maxManifestBytes } from "#core/images/manifest.ts";
import type { Engine } from "../engine.ts";
import { cleanPath, documentAt, type ArchiveBlob, type ArchiveContents } from "./archive-contents.ts";
import type { ArchivedImage } from "./archive-oci.ts";
import { storeManifest } from "./store-image.ts";
import { writeDocument } from "./write-blob.ts";

type ArchiveEngine = Pick<Engine, "content">;

const maxImages = 4096;
const layerTypes = { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd };

/** Images of a `manifest.json`: what `docker save` has written since 1.10. */
export async function dockerImages(
  call: Call,
  engine: ArchiveEngine,
  contents: ArchiveContents,
): Promise<ArchivedImage[]> {
  const bytes = await documentAt(call, engine, contents, "manifest.json");
  const entries = JsonReader.parse(bytes, "manifest.json", maxManifestBytes).list(maxImages);
  const images: ArchivedImage[] = [];
  for (const entry of entries) {
    const config = await documentAt(call, engine, contents, entry.at("Config").string());
    const paths = entry.at("Layers").strings(1024);
    const target = await storeParts(call, engine, contents, config, paths);
    images.push({ target, names: entry.at("RepoTags").strings(maxImages) });
  }
  return images;
}

/** Images of a `repositories` file: what `docker save` wrote before 1.10, a directory for each layer. */
export async function legacyImages(
  call: Call,
  engine: ArchiveEngine,
  contents: ArchiveContents,
): Promise<ArchivedImage[]> {
  const bytes = await documentAt(call, engine, contents, "repositories");
  const repositories = JsonReader.parse(bytes, "repositories", maxManifestBytes);
  const images: ArchivedImage[] = [];
  for (const repository of repositories.keys()) {
    const tags = repositories.at(repository);
    for (const tag of tags.keys()) {
      const layers = await legacyChain(call, engine, contents, tags.at(tag).string());
      const config = legacyConfig(layers, contents);
      const paths = layers.map(({ id }) => `${id}/layer.tar`);
      const target = await storeParts(call, engine, contents, Buffer.from(JSON.stringify(config)), paths);
      images.push({ target, names: [`${repository}:${tag}`] });
    }
  }
  return images;
}

async function storeParts(
  call: Call,
  engine: ArchiveEngine,
  contents: ArchiveContents,
  configBytes: Buffer,
  paths: readonly string[],
): Promise<Descriptor> {
  const { diffIds }: ImageConfig = decodeImageConfig(configBytes);
  const layers: Descriptor[] = [];
  for (const [at, path] of paths.entries()) {
    layers.push(await layerOf(call, engine, { path, blob: contents.blobs.get(cleanPath(path)), diffId: diffIds[at] }));
  }
  const config = await writeDocument(call, engine, mediaTypes.ociConfig, configBytes);
  return await storeManifest(call, engine, { config, layers });
}

type LayerFile = { readonly path: string; readonly blob: ArchiveBlob | undefined; readonly diffId: DiffId | undefined };

/** A plain layer must be its DiffID; a packed one is checked when it is unpacked. */
async function layerOf(call: Call, { content }: ArchiveEngine, { path, blob, diffId }: LayerFile): Promise<Descriptor> {
  const name = `archive: layer ${JSON.stringify(path)}`;
  if (blob === undefined) throw new EngineError("invalidArgument", `${name} is missing`);
  await using reader = await content.open(call, blob.digest);
  const compression = sniffCompression(await reader.read(0, 4));
  if (compression === "none" && (blob.digest as string) !== diffId) {
    throw new EngineError("dataLoss", `${name}: DiffID is ${blob.digest}, expected ${diffId}`);
  }
  return { mediaType: layerTypes[compression], digest: blob.digest, sizeBytes: blob.sizeBytes };
}

type LegacyLayer = { readonly id: string; readonly json: JsonReader };

/** Layers from the lowest to `top`, each naming its parent. */
async function legacyChain(
  call: Call,
  engine: ArchiveEngine,
  contents: ArchiveContents,
  top: string,
): Promise<LegacyLayer[]> {
  const chain: LegacyLayer[] = [];
  for (let id: string | undefined = top; id !== undefined && id !== "";) {
    if (chain.length >= 1024) throw new EngineError("invalidArgument", `archive: image ${top}: more than 1024 layers`);
    const bytes = await documentAt(call, engine, contents, `${id}/json`);
    const json = JsonReader.parse(bytes, `${id}/json`, maxManifestBytes);
    chain.unshift({ id, json });
    id = json.at("parent").optionalString();
  }
  return chain;
}

/** The image's config from the layers' own, which had one each. */
function legacyConfig(layers: readonly LegacyLayer[], { blobs }: ArchiveContents): Record<string, unknown> {
  const top = layers.at(-1)?.json.object() ?? {};
  return {
    architecture: top["architecture"] ?? "amd64",
    os: top["os"] ?? "linux",
    created: top["created"],
    author: top["author"],
    config: top["config"] ?? {},
    rootfs: { type: "layers", diff_ids: layers.map(({ id }) => blobs.get(`${id}/layer.tar`)?.digest) },
    history: layers.map(({ json }) => ({
      created: json.at("created").optionalString(),
      created_by: json.at("container_config").at("Cmd").strings(1024).join(" "),
    })),
  };
}
