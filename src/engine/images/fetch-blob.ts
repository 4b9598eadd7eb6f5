import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, errnoOf, isKind, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContentWriter } from "#core/content/content-store.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Reference } from "#core/images/reference.ts";
import type { RegistryAccess } from "#core/registry/registry.ts";
import type { Engine } from "../engine.ts";

export type FetchEngine = Pick<Engine, "content" | "registry" | "downloads" | "blobFlights">;

export type BlobRequest = {
  readonly reference: Reference;
  readonly descriptor: Descriptor;
  readonly access: RegistryAccess;
  readonly onBytes?: (currentBytes: number) => void;
};

const maxStalledAttempts = 5;
const maxOthersFailures = 3;
const resumableErrnos = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ERR_STREAM_PREMATURE_CLOSE", "UND_ERR_SOCKET"]);

/**
 * Brings one blob into the namespace, verified: from the store if any namespace has it, from a download that is under
 * way, else from the registry, going on where an earlier attempt was left off.
 *
 * The call's lease has the blob afterwards. Aborting ends the download when nobody else waits for it; its bytes stay
 * for a later attempt.
 * @throws dataLoss when the bytes are not what the digest or size says
 */
export async function fetchBlob(call: Call, engine: FetchEngine, request: BlobRequest): Promise<"existed" | "fetched"> {
  const { descriptor, onBytes = () => {} } = request;
  if (await isHere(call, engine, descriptor)) return "existed";
  for (let failures = 0; ;) {
    const { owned, error } = await engine.blobFlights.run(
      descriptor.digest,
      call.signal,
      onBytes,
      async (signal, report) => {
        await download({ ...call, signal }, engine, request, report);
      },
    );
    if (error !== undefined && (owned || ++failures >= maxOthersFailures)) throw error;
    if (owned) return "fetched";
    // Somebody else brought it: for their namespace and lease, not for ours yet.
    if (error === undefined && (await isHere(call, engine, descriptor))) return "existed";
  }
}

/** Shares a blob that the store has with this namespace and lease. */
async function isHere(call: Call, { content }: FetchEngine, descriptor: Descriptor): Promise<boolean> {
  const found = await content.find(call, descriptor.digest);
  if (found === undefined || call.leaseId !== undefined) {
    const writer = await tryOpen(call, content, descriptor);
    if (writer === "exists") return true;
    if (writer === "busy") return false;
    await using _unused = writer;
    return false;
  }
  return true;
}

async function tryOpen(call: Call, content: Engine["content"], { digest, sizeBytes }: Descriptor) {
  try {
    return await content.openWriter(call, `download-${digest}`, { digest, sizeBytes });
  } catch (error) {
    if (isKind(error, "alreadyExists")) return "exists";
    if (isKind(error, "unavailable")) return "busy";
    throw error;
  }
}

async function download(call: Call, engine: FetchEngine, request: BlobRequest, report: (bytes: number) => void) {
  using _place = await engine.downloads.acquire(call.signal);
  const { digest, sizeBytes } = request.descriptor;
  const labels = sourceLabels(request.reference);
  for (let again = false; ; again = true) {
    const writer = await tryOpen(call, engine.content, request.descriptor);
    if (writer === "exists") return;
    if (writer === "busy") throw new EngineError("unavailable", `blob ${digest}: another download writes it`);
    await using open = writer;
    const resumed = open.offsetBytes > 0;
    try {
      await fill(call, engine, request, open, report);
      await open.commit({ digest, sizeBytes, labels });
      return;
    } catch (error) {
      if (isKind(error, "alreadyExists")) return;
      // What an earlier attempt left may be from another host: once more, all of it from one.
      if (!isKind(error, "dataLoss") || !resumed || again) throw named(request, error);
      await dropBytes(open);
    }
  }
}

/** A store that took the bytes of a mismatch away already has nothing left to drop. */
async function dropBytes(writer: ContentWriter): Promise<void> {
  try {
    await writer.truncate(0);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** Fills the ingest to the blob's size, by as many requests as it takes while each brings something. */
async function fill(
  call: Call,
  { registry }: FetchEngine,
  { reference, descriptor, access }: BlobRequest,
  writer: ContentWriter,
  report: (bytes: number) => void,
): Promise<void> {
  for (let stalled = 0; writer.offsetBytes < descriptor.sizeBytes;) {
    const before = writer.offsetBytes;
    try {
      const answer = await registry.fetch(call, reference, descriptor, { ...access, offset: before });
      using body = disposable(answer.body);
      if (answer.offset < writer.offsetBytes) await writer.truncate(answer.offset);
      await copy(body.stream, writer, descriptor, report);
    } catch (error) {
      call.signal.throwIfAborted();
      if (!isResumable(error)) throw error;
      stalled = writer.offsetBytes > before ? 1 : stalled + 1;
      if (stalled >= maxStalledAttempts) throw broken(reference, descriptor, writer, error);
      call.log.debug(
        { digest: descriptor.digest, error: messageOf(error) },
        "download goes on after a broken connection",
      );
      await sleep(200 * 2 ** (stalled - 1), undefined, { signal: call.signal });
    }
  }
}

async function copy(
  body: Readable,
  writer: ContentWriter,
  { digest, sizeBytes }: Descriptor,
  report: (bytes: number) => void,
) {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (writer.offsetBytes + chunk.length > sizeBytes) {
      throw new EngineError("dataLoss", `blob ${digest}: longer than the ${sizeBytes} bytes its manifest says`);
    }
    await writer.write(chunk);
    report(writer.offsetBytes);
  }
  if (writer.offsetBytes < sizeBytes) throw new EngineError("unavailable", "connection ended early");
}

function isResumable(error: unknown): boolean {
  if (error instanceof EngineError) return error.kind === "unavailable" && !error.message.startsWith("registry ");
  return resumableErrnos.has(errnoOf(error) ?? "");
}

function broken({ domain, path }: Reference, { digest, sizeBytes }: Descriptor, writer: ContentWriter, cause: unknown) {
  const at = `${writer.offsetBytes} of ${sizeBytes} bytes`;
  const text = `registry ${domain}: blob ${digest} of ${path}: ${messageOf(cause)} after ${at}`;
  return new EngineError("unavailable", text, { cause });
}

function named({ reference }: BlobRequest, error: unknown): unknown {
  if (!isKind(error, "dataLoss")) return error;
  const text = `registry ${reference.domain}: ${reference.path}: ${messageOf(error)}`;
  return new EngineError("dataLoss", text, { cause: error });
}

/** Where the blob came from: a push to the same host can mount it from there. Containerd's label. */
export function sourceLabels({ domain, path }: Reference): Record<string, string> {
  return { [`containerd.io/distribution.source.${domain}`]: path };
}

function disposable(stream: Readable): Disposable & { stream: Readable } {
  return { stream, [Symbol.dispose]: () => void stream.destroy() };
}
