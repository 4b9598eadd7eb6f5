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
const maxWriterWaits = 100;
const writerWaitMs = 50;
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
  if (call.leaseId === undefined && (await engine.content.find(call, descriptor.digest)) !== undefined)
    return "existed";
  for (let failures = 0; ;) {
    let outcome: "existed" | "fetched" = "fetched";
    const { owned, error } = await engine.blobFlights.run(
      descriptor.digest,
      call.signal,
      onBytes,
      async (signal, report) => {
        outcome = await download({ ...call, signal }, engine, request, report);
      },
    );
    if (error !== undefined && (owned || ++failures >= maxOthersFailures)) throw error;
    if (owned) return outcome;
    // Somebody else brought it: for their namespace and lease. The next round shares it with ours.
  }
}

/** Writes the blob from the registry unless the store has it; then it is shared with this namespace and lease. */
async function download(
  call: Call,
  engine: FetchEngine,
  request: BlobRequest,
  report: (bytes: number) => void,
): Promise<"existed" | "fetched"> {
  const { digest, sizeBytes } = request.descriptor;
  const labels = sourceLabels(request.reference);
  for (let again = false; ; again = true) {
    const writer = await openOrShare(call, engine.content, request.descriptor);
    if (writer === undefined) return "existed";
    await using open = writer;
    using _place = await engine.downloads.acquire(call.signal);
    const resumed = open.offsetBytes > 0;
    try {
      await fill(call, engine, request, open, report);
      await open.commit({ digest, sizeBytes, labels });
      return "fetched";
    } catch (error) {
      if (isKind(error, "alreadyExists")) return "existed";
      // What was written of it would keep the disk full.
      if (isKind(error, "resourceExhausted")) await dropBytes(open);
      if (!isKind(error, "dataLoss")) throw error;
      await dropBytes(open);
      // What an earlier attempt left may be from another host: once more, all of it from one.
      if (!resumed || again) throw named(request, error);
    }
  }
}

/** A writer; undefined when the blob is here now. Waits for a download that was given up a moment ago to let go. */
async function openOrShare(call: Call, content: Engine["content"], { digest, sizeBytes }: Descriptor) {
  for (let waits = 0; ; waits++) {
    try {
      return await content.openWriter(call, `download-${digest}`, { digest, sizeBytes });
    } catch (error) {
      if (isKind(error, "alreadyExists")) return undefined;
      if (!isKind(error, "unavailable") || waits === maxWriterWaits) throw error;
      await sleep(writerWaitMs, undefined, { signal: call.signal });
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
