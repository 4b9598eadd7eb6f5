import type { IncomingMessage } from "node:http";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { uploadLocation, type HostClient } from "./host-client.ts";
import type { BlobPush } from "./push.ts";

const chunkBytes = 16 * 1024 * 1024;
const maxStalledChunks = 4;

/**
 * Uploads a blob: whole in one request, as every registry takes it; where that breaks, in chunks that go on from what
 * has arrived. Source: OCI distribution spec, "Pushing blobs".
 */
export async function uploadBlob(call: Call, client: HostClient, push: BlobPush, step: string): Promise<void> {
  const where = `upload of ${step}`;
  try {
    await uploadWhole(call, client, push, where);
  } catch (error) {
    call.signal.throwIfAborted();
    if (!isKind(error, "unavailable", "resourceExhausted")) throw error;
    call.log.debug({ digest: push.descriptor.digest, error: String(error) }, "upload goes on in chunks");
    await uploadChunks(call, client, push, where);
  }
}

async function uploadWhole(call: Call, client: HostClient, push: BlobPush, step: string): Promise<void> {
  const location = await startUpload(call, client, push, step);
  await client.send(call, {
    step,
    method: "PUT",
    target: location,
    query: { digest: push.descriptor.digest },
    headers: octets(push.descriptor.sizeBytes),
    body: () => counted(push.blob.stream(), 0, push.onProgress),
    scopes: scopes(push),
    accept: [201, 204],
    maxAttempts: 1,
  });
}

async function uploadChunks(call: Call, client: HostClient, push: BlobPush, step: string): Promise<void> {
  const total = push.descriptor.sizeBytes;
  let at = { location: await startUpload(call, client, push, step), offset: 0 };
  for (let stalled = 0; at.offset < total;) {
    const next = await uploadChunk(call, client, push, step, at);
    stalled = next.offset > at.offset ? 0 : stalled + 1;
    if (stalled >= maxStalledChunks) {
      throw new EngineError("unavailable", `registry ${client.host.authority}: ${step}: no progress at ${at.offset}`);
    }
    at = next;
  }
  await client.send(call, {
    step,
    method: "PUT",
    target: at.location,
    query: { digest: push.descriptor.digest },
    headers: octets(0),
    scopes: scopes(push),
    accept: [201, 204],
  });
}

type Progress = { readonly location: URL; readonly offset: number };

async function uploadChunk(
  call: Call,
  client: HostClient,
  push: BlobPush,
  step: string,
  at: Progress,
): Promise<Progress> {
  const end = Math.min(at.offset + chunkBytes, push.descriptor.sizeBytes);
  try {
    const response = await client.send(call, {
      step,
      method: "PATCH",
      target: at.location,
      headers: { ...octets(end - at.offset), "content-range": `${at.offset}-${end - 1}` },
      body: () => counted(push.blob.stream({ start: at.offset, end }), at.offset, push.onProgress),
      scopes: scopes(push),
      accept: [202, 204],
      maxAttempts: 1,
    });
    return { location: uploadLocation(response, client, step), offset: end };
  } catch (error) {
    call.signal.throwIfAborted();
    if (!isKind(error, "unavailable", "outOfRange")) throw error;
    return await askProgress(call, client, push, step, at.location);
  }
}

async function askProgress(
  call: Call,
  client: HostClient,
  push: BlobPush,
  step: string,
  target: URL,
): Promise<Progress> {
  const response = await client.send(call, { step, method: "GET", target, scopes: scopes(push), accept: [204] });
  return { location: uploadLocation(response, client, step), offset: arrivedBytes(response) };
}

/** `Range: 0-<last>`; a registry that has nothing yet writes `0-0` or leaves it out. */
function arrivedBytes(response: IncomingMessage): number {
  const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(response.headers["range"] ?? "")?.[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}

async function startUpload(call: Call, client: HostClient, push: BlobPush, step: string): Promise<URL> {
  const response = await client.send(call, {
    step,
    method: "POST",
    target: `/${push.reference.path}/blobs/uploads/`,
    headers: { "content-length": "0" },
    scopes: scopes(push),
    accept: [202],
  });
  return uploadLocation(response, client, step);
}

function octets(length: number): Record<string, string> {
  return { "content-type": "application/octet-stream", "content-length": String(length) };
}

function scopes({ reference }: BlobPush): string[] {
  return [`repository:${reference.path}:pull,push`];
}

/** `source` as it is, its bytes reported as they go. */
function counted(source: Readable, offset: number, report: (sentBytes: number) => void): Readable {
  let sent = offset;
  const through = new PassThrough({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      report((sent += chunk.length));
      done(null, chunk);
    },
  });
  // The reader of `through` learns of an error there; nothing else is to be done about it here.
  pipeline(source, through, () => {});
  return through;
}
