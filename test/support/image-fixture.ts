import { gzipSync, zstdCompressSync } from "node:zlib";
import { tarFile, writeTar } from "#base/tar/write-tar.ts";
import { mediaTypes, type Compression } from "#core/content/descriptor.ts";
import { digestOf, type Digest } from "#core/content/digest.ts";
import { encodeDescriptor } from "#core/images/manifest.ts";

export type FixtureBlob = { readonly mediaType: string; readonly digest: Digest; readonly bytes: Buffer };

/** An image in memory: `manifest` first named, blobs with config and layers. */
export type FixtureImage = { readonly manifest: FixtureBlob; readonly blobs: readonly FixtureBlob[] };

export type FixtureOptions = {
  /** Files of each layer, lowest first. */
  readonly layers: readonly Readonly<Record<string, string | Buffer>>[];
  readonly compression?: Compression;
  readonly format?: "oci" | "docker";
  readonly architecture?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Replaces members of the manifest. */
  readonly manifest?: Readonly<Record<string, unknown>>;
};

const types = {
  oci: {
    manifest: mediaTypes.ociManifest,
    config: mediaTypes.ociConfig,
    none: mediaTypes.ociLayer,
    gzip: mediaTypes.ociLayerGzip,
    zstd: mediaTypes.ociLayerZstd,
  },
  docker: {
    manifest: mediaTypes.dockerManifest,
    config: mediaTypes.dockerConfig,
    none: mediaTypes.dockerLayer,
    gzip: mediaTypes.dockerLayerGzip,
    zstd: mediaTypes.dockerLayerZstd,
  },
};

/** Makes an image; the same options make the same digests. */
export async function fixtureImage(options: FixtureOptions): Promise<FixtureImage> {
  const type = types[options.format ?? "oci"];
  const compression = options.compression ?? "gzip";
  const tars = await Promise.all(options.layers.map(layerTar));
  const layers = tars.map((tar) => fixtureBlob(type[compression], compress(tar, compression)));
  const config = jsonBlob(type.config, {
    os: "linux",
    architecture: options.architecture ?? "amd64",
    created: "2024-05-06T07:08:09Z",
    config: { Cmd: ["sh"], Labels: { fixture: "yes" }, ...options.config },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
    history: [
      { created_by: "ENV A=b", empty_layer: true },
      ...tars.map((_, at) => ({ created: "2024-05-06T07:08:09Z", created_by: `COPY ${at}` })),
    ],
  });
  const manifest = jsonBlob(type.manifest, {
    schemaVersion: 2,
    mediaType: type.manifest,
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
    ...options.manifest,
  });
  return { manifest, blobs: [config, ...layers] };
}

/** An index of images, each with its platform. */
export function fixtureIndex(
  images: readonly { image: FixtureImage; platform: Readonly<Record<string, string>> }[],
): FixtureBlob {
  return jsonBlob(mediaTypes.ociIndex, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map(({ image, platform }) => ({ ...descriptorOf(image.manifest), platform })),
  });
}

export function jsonBlob(mediaType: string, value: unknown): FixtureBlob {
  return fixtureBlob(mediaType, Buffer.from(JSON.stringify(value)));
}

export function fixtureBlob(mediaType: string, bytes: Buffer): FixtureBlob {
  return { mediaType, digest: digestOf(bytes), bytes };
}

export function descriptorOf({ mediaType, digest, bytes }: FixtureBlob) {
  return encodeDescriptor({ mediaType, digest, sizeBytes: bytes.length });
}

/** An archive of `files`, all owned by root and as old as the epoch. */
export async function layerTar(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const items = Object.entries(files).map(([name, content]) => {
    const body = Buffer.from(content);
    return { entry: tarFile(name, body.length), body };
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(items)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function compress(tar: Buffer, compression: Compression): Buffer {
  if (compression === "gzip") return gzipSync(tar);
  return compression === "zstd" ? zstdCompressSync(tar) : tar;
}
