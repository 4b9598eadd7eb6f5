import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { isIndex, isManifest, isSchema1, mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { isDigest } from "#core/content/digest.ts";
import { normalisePlatform, platformRank, type Platform } from "./platform.ts";

/** Largest manifest, index or config that is read: what distribution's registries accept. */
export const maxManifestBytes = 4 * 1024 * 1024;
const maxLayers = 1024;
const maxManifests = 4096;

/** One image for one platform. Source: OCI image-spec manifest.md; Docker's image manifest v2 schema 2. */
export type Manifest = {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
};

/** One image for several platforms. Source: OCI image-spec image-index.md; Docker's manifest list. */
export type Index = {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
};

/** @throws invalidArgument naming what is wrong; schema 1 by that name */
export function decodeManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const json = JsonReader.parse(bytes, "manifest", maxManifestBytes);
  const actual = documentType(json, mediaType, mediaTypes.ociManifest);
  if (!isManifest(actual)) throw new EngineError("invalidArgument", `manifest: media type ${actual} is not supported`);
  // Source: image-spec manifest.md and CVE-2021-41190: a document that is both is neither.
  if (json.at("manifests").isPresent) json.at("manifests").fail("is in an index, not in a manifest");
  const artifactType = json.at("artifactType").optionalString();
  const subject = json.at("subject");
  return {
    mediaType: actual,
    config: decodeDescriptor(json.at("config")),
    layers: json.at("layers").list(maxLayers).map(decodeDescriptor),
    annotations: json.at("annotations").stringMap(),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject.isPresent ? { subject: decodeDescriptor(subject) } : {}),
  };
}

/** @throws invalidArgument naming what is wrong */
export function decodeIndex(bytes: Uint8Array, mediaType?: string): Index {
  const json = JsonReader.parse(bytes, "index", maxManifestBytes);
  const actual = documentType(json, mediaType, mediaTypes.ociIndex);
  if (!isIndex(actual)) throw new EngineError("invalidArgument", `index: media type ${actual} is not supported`);
  for (const name of ["config", "layers"]) {
    if (json.at(name).isPresent) json.at(name).fail("is in a manifest, not in an index");
  }
  return {
    mediaType: actual,
    manifests: json.at("manifests").list(maxManifests).map(decodeDescriptor),
    annotations: json.at("annotations").stringMap(),
  };
}

/** @throws invalidArgument */
export function decodeDescriptor(json: JsonReader): Descriptor {
  const digest = json.at("digest").string();
  if (!isDigest(digest)) return json.at("digest").fail("is not a digest");
  const platform = json.at("platform");
  const annotations = json.at("annotations");
  const artifactType = json.at("artifactType").optionalString();
  return {
    mediaType: json.at("mediaType").string(),
    digest,
    sizeBytes: json.at("size").size(),
    ...(platform.isPresent ? { platform: decodePlatform(platform) } : {}),
    ...(annotations.isPresent ? { annotations: annotations.stringMap() } : {}),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/** The members of an index's `platform`, or of a config's top level. */
export function decodePlatform(json: JsonReader): Platform {
  const variant = json.at("variant").optionalString();
  const osVersion = json.at("os.version").optionalString();
  const osFeatures = json.at("os.features").strings(64);
  return {
    os: json.at("os").optionalString() ?? "",
    architecture: json.at("architecture").optionalString() ?? "",
    ...(variant ? { variant } : {}),
    ...(osVersion ? { osVersion } : {}),
    ...(osFeatures.length > 0 ? { osFeatures } : {}),
  };
}

/** As it stands in JSON. */
export function encodeDescriptor(descriptor: Descriptor): Record<string, unknown> {
  const { mediaType, digest, sizeBytes, platform, annotations, artifactType } = descriptor;
  return {
    mediaType,
    digest,
    size: sizeBytes,
    annotations,
    artifactType,
    platform: platform && encodePlatform(platform),
  };
}

/**
 * The manifest of `index` that runs best on `platform`; one without a platform only where nothing else fits.
 *
 * `exact`: the same architecture, for a platform that a person asked for.
 * @throws notFound with the platforms there are
 */
export function selectManifest(index: Index, platform: Platform, options: { exact?: boolean } = {}): Descriptor {
  let best: { descriptor: Descriptor; rank: number } | undefined;
  for (const descriptor of imagesOf(index)) {
    const rank =
      descriptor.platform === undefined
        ? Number.MAX_SAFE_INTEGER
        : platformRank(platform, descriptor.platform, options);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { descriptor, rank };
  }
  if (best !== undefined) return best.descriptor;
  const there = imagesOf(index).map(({ platform }) => (platform === undefined ? "" : formatShort(platform)));
  throw new EngineError(
    "notFound",
    `no matching manifest for ${formatShort(platform)} in the manifest list entries (there are: ${there.join(", ") || "none"})`,
  );
}

/** Manifests that are images: attestations, which BuildKit lists for the platform `unknown/unknown`, are not. */
export function imagesOf(index: Index): Descriptor[] {
  return index.manifests.filter(
    ({ annotations, platform }) =>
      annotations?.["vnd.docker.reference.type"] !== "attestation-manifest" &&
      !(platform?.os === "unknown" && platform.architecture === "unknown"),
  );
}

function documentType(json: JsonReader, declared: string | undefined, fallback: string): string {
  const written = json.at("mediaType").optionalString();
  const schemaVersion = json.at("schemaVersion").optionalNumber();
  if (schemaVersion === 1 || isSchema1(written ?? "") || isSchema1(declared ?? "")) throw schema1Refused();
  if (schemaVersion !== 2) json.at("schemaVersion").fail("is not 2");
  const known = [declared, written].filter((type) => type !== undefined && type !== "");
  if (known.length === 2 && known[0] !== known[1]) {
    throw new EngineError("invalidArgument", `manifest: media type is ${written}, it was announced as ${declared}`);
  }
  return known[0] ?? fallback;
}

/** The error for Docker's image manifest of 2014, which has no config and no sizes. */
export function schema1Refused(): EngineError {
  return new EngineError(
    "invalidArgument",
    "manifest: Docker image manifest schema 1 is not supported; push the image again with a current client",
  );
}

function encodePlatform({ os, architecture, variant, osVersion, osFeatures }: Platform): Record<string, unknown> {
  return { architecture, os, variant, "os.version": osVersion, "os.features": osFeatures };
}

function formatShort(platform: Platform): string {
  const { os, architecture, variant } = normalisePlatform(platform);
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}
