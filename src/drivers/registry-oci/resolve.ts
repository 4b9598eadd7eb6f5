import type { IncomingMessage } from "node:http";
import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { isIndex, isManifest, isSchema1, mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { algorithmOf, digestOf, isDigest } from "#core/content/digest.ts";
import { maxManifestBytes, schema1Refused } from "#core/images/manifest.ts";
import type { Reference } from "#core/images/reference.ts";
import type { HostClient } from "./host-client.ts";
import { readBytes } from "./retry.ts";

/** Every manifest type, so that a registry converts nothing; schema 1 too, to be able to refuse it by name. */
export const manifestAccept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.dockerSchema1Signed,
  "*/*;q=0.1",
].join(", ");

/** The descriptor of a tag or digest from one host: HEAD, and GET where that does not say enough. */
export async function resolveManifest(call: Call, client: HostClient, reference: Reference): Promise<Descriptor> {
  const step = `manifest ${shortName(reference)}`;
  const request = {
    step,
    target: `/${reference.path}/manifests/${reference.digest ?? reference.tag ?? "latest"}`,
    headers: { accept: manifestAccept },
    scopes: [pullScope(reference.path)],
    accept: [200],
  };
  const head = await headOrNothing(call, client, request);
  const quick = head === undefined ? undefined : fromHeaders(head);
  const descriptor = quick ?? (await fromBody(await client.request(call, { ...request, method: "GET" })));
  const fail = (kind: "dataLoss" | "invalidArgument", why: string) => {
    throw new EngineError(kind, `registry ${client.host.authority}: ${step}: ${why}`);
  };
  if (reference.digest !== undefined && descriptor.digest !== reference.digest) {
    fail("dataLoss", `digest is ${descriptor.digest}, expected ${reference.digest}`);
  }
  if (isSchema1(descriptor.mediaType)) fail("invalidArgument", schema1Refused().message);
  if (!isManifest(descriptor.mediaType) && !isIndex(descriptor.mediaType)) {
    fail("invalidArgument", `media type ${JSON.stringify(descriptor.mediaType)} is no image`);
  }
  return descriptor;
}

/** `library/nginx:latest` */
export function shortName({ path, tag, digest }: Reference): string {
  return digest === undefined ? `${path}:${tag ?? "latest"}` : `${path}@${digest}`;
}

export function pullScope(path: string): string {
  return `repository:${path}:pull`;
}

/** Some registries know no HEAD for manifests: anything but a clear no is asked again by GET. */
async function headOrNothing(
  call: Call,
  client: HostClient,
  request: Omit<Parameters<HostClient["send"]>[1], "method">,
) {
  try {
    return await client.send(call, { ...request, method: "HEAD" });
  } catch (error) {
    if (isKind(error, "notImplemented", "invalidArgument", "unknown")) return undefined;
    throw error;
  }
}

function fromHeaders(response: IncomingMessage): Descriptor | undefined {
  const digest = response.headers["docker-content-digest"];
  const sizeBytes = Number(response.headers["content-length"] ?? Number.NaN);
  const mediaType = mediaTypeOf(response);
  if (typeof digest !== "string" || !isDigest(digest) || !Number.isSafeInteger(sizeBytes)) return undefined;
  return mediaType === "" ? undefined : { mediaType, digest, sizeBytes };
}

async function fromBody(response: IncomingMessage): Promise<Descriptor> {
  const announced = response.headers["docker-content-digest"];
  const { bytes, whole } = await readBytes(response, maxManifestBytes);
  if (!whole) throw new EngineError("invalidArgument", `manifest: more than ${maxManifestBytes} bytes`);
  const known = typeof announced === "string" && isDigest(announced) ? announced : undefined;
  const digest = digestOf(bytes, known === undefined ? "sha256" : algorithmOf(known));
  if (known !== undefined && known !== digest) {
    throw new EngineError("dataLoss", `manifest: digest is ${digest}, the registry announced ${known}`);
  }
  return { mediaType: mediaTypeOf(response) || writtenType(bytes), digest, sizeBytes: bytes.length };
}

function mediaTypeOf(response: IncomingMessage): string {
  const type = (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  return type === "application/json" || type === "application/octet-stream" || type === "text/plain" ? "" : type;
}

function writtenType(bytes: Buffer): string {
  try {
    const document: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof document !== "object" || document === null) return "";
    if ("mediaType" in document && typeof document.mediaType === "string") return document.mediaType;
    if ("schemaVersion" in document && document.schemaVersion === 1) return mediaTypes.dockerSchema1;
    if ("manifests" in document) return mediaTypes.ociIndex;
    return "layers" in document ? mediaTypes.ociManifest : "";
  } catch {
    return "";
  }
}
