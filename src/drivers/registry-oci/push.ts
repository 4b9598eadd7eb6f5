import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Reference } from "#core/images/reference.ts";
import type { PushedBlob } from "#core/registry/registry.ts";
import { uploadLocation, type HostClient } from "./host-client.ts";
import { pullScope, shortName } from "./resolve.ts";
import { uploadBlob } from "./upload.ts";

export type BlobPush = {
  readonly reference: Reference;
  readonly descriptor: Descriptor;
  readonly blob: BlobReader;
  readonly mountFrom: readonly string[];
  readonly onProgress: (sentBytes: number) => void;
};

/** Brings one blob into a repository: it is there, it is mounted from another one, or it is uploaded. */
export async function pushBlob(call: Call, client: HostClient, push: BlobPush): Promise<PushedBlob> {
  const { path } = push.reference;
  const step = `blob ${push.descriptor.digest} of ${path}`;
  if (await blobExists(call, client, push, step)) return "existed";
  for (const from of push.mountFrom) {
    if (from !== path && (await mountBlob(call, client, push, from))) return "mounted";
  }
  await uploadBlob(call, client, push, step);
  return "uploaded";
}

/** Uploads a manifest or index; the registry must have what it names. */
export async function pushManifest(
  call: Call,
  client: HostClient,
  reference: Reference,
  descriptor: Descriptor,
  bytes: Uint8Array,
): Promise<void> {
  const step = `push of manifest ${shortName(reference)}`;
  const response = await client.send(call, {
    step,
    method: "PUT",
    target: `/${reference.path}/manifests/${reference.tag ?? reference.digest ?? descriptor.digest}`,
    headers: { "content-type": descriptor.mediaType, "content-length": String(bytes.length) },
    body: () => bytes,
    scopes: pushScopes(reference.path),
    accept: [200, 201, 202],
  });
  const stored = response.headers["docker-content-digest"];
  if (typeof stored === "string" && stored !== descriptor.digest) {
    throw new EngineError(
      "dataLoss",
      `registry ${client.host.authority}: ${step}: stored as ${stored}, expected ${descriptor.digest}`,
    );
  }
}

export function pushScopes(path: string): string[] {
  return [`repository:${path}:pull,push`];
}

async function blobExists(call: Call, client: HostClient, { reference, descriptor }: BlobPush, step: string) {
  try {
    const response = await client.send(call, {
      step,
      method: "HEAD",
      target: `/${reference.path}/blobs/${descriptor.digest}`,
      scopes: pushScopes(reference.path),
      accept: [200, 404],
    });
    return response.statusCode === 200;
  } catch (error) {
    if (isKind(error, "notImplemented", "invalidArgument", "unknown")) return false;
    throw error;
  }
}

/** A refusal is no failure: the blob is uploaded then. */
async function mountBlob(call: Call, client: HostClient, { reference, descriptor }: BlobPush, from: string) {
  const step = `mount of blob ${descriptor.digest} from ${from}`;
  try {
    const response = await client.send(call, {
      step,
      method: "POST",
      target: `/${reference.path}/blobs/uploads/`,
      query: { mount: descriptor.digest, from },
      headers: { "content-length": "0" },
      scopes: [...pushScopes(reference.path), pullScope(from)],
      accept: [201, 202],
    });
    if (response.statusCode === 201) return true;
    await cancelUpload(call, client, reference.path, uploadLocation(response, client, step));
  } catch (error) {
    call.signal.throwIfAborted();
    call.log.debug({ digest: descriptor.digest, from, error: String(error) }, "blob was not mounted");
  }
  return false;
}

async function cancelUpload(call: Call, client: HostClient, path: string, target: URL): Promise<void> {
  await client.send(call, {
    step: "end of an unused upload",
    method: "DELETE",
    target,
    scopes: pushScopes(path),
    accept: [200, 202, 204, 404, 405],
    maxAttempts: 1,
  });
}
