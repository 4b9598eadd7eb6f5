import { createHash } from "node:crypto";
import { EngineError, isKind } from "#base/errors.ts";
import { WriteAction, type WriteContentResponse } from "#gen/containerd/content_pb.ts";
import { underLease, type ContainerdConnection } from "./containerd-connection.ts";
import { toEngineError } from "./to-engine-error.ts";

export type BlobToWrite = {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly lease: string;
  /** Not asked for where the blob is there. */
  readonly chunks: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

/**
 * Puts a blob into containerd's store, verified by containerd, for the lease; one that is there gets lease and labels.
 *
 * @throws whatever `chunks` throws; nothing is named then
 */
export async function writeContent(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  blob: BlobToWrite,
): Promise<"written" | "existed"> {
  if (await keepContent(signal, containerd, blob)) return "existed";
  const { digest, sizeBytes } = blob;
  const known = { digest, sizeBytes };
  const upload = { ...blob, ref: `ferry-migrate-${digest}`, known, end: () => known };
  return await send(signal, containerd, upload);
}

/** As {@link BlobToWrite}; `ref` names it while its digest is not known. */
export type BlobToMake = Omit<BlobToWrite, "digest" | "sizeBytes"> & { readonly ref: string };

/** Puts a blob into containerd's store that is made as it goes. @throws as {@link writeContent} */
export async function makeContent(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  blob: BlobToMake,
): Promise<WrittenBlob> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let made: WrittenBlob | undefined;
  async function* chunks() {
    for await (const chunk of blob.chunks()) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  }
  const end = () => (made ??= { digest: `sha256:${hash.digest("hex")}`, sizeBytes });
  await send(signal, containerd, { ...blob, ref: `ferry-migrate-${blob.ref}`, chunks, known: undefined, end });
  return end();
}

export type WrittenBlob = { readonly digest: string; readonly sizeBytes: number };

/** `end` is asked when all chunks have gone out. */
type Upload = BlobToMake & { readonly known: WrittenBlob | undefined; readonly end: () => WrittenBlob };

async function send(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  upload: Upload,
): Promise<"written" | "existed"> {
  // What an earlier attempt left is not gone on with: all of it is hashed again anyway.
  await ignore("notFound", containerd.content.abort({ ref: upload.ref }, { signal }));
  try {
    await stream(signal, containerd, upload);
    return "written";
  } catch (error) {
    if (!isKind(error, "alreadyExists")) throw error;
    await keepContent(signal, containerd, { ...upload, ...upload.end() });
    return "existed";
  }
}

/** Whether the namespace has the blob; then it belongs to the lease too, and has the labels. */
export async function keepContent(
  signal: AbortSignal,
  { content, leases }: ContainerdConnection,
  { digest, labels, lease }: Pick<BlobToWrite, "digest" | "labels" | "lease">,
): Promise<boolean> {
  try {
    await content.info({ digest }, { signal });
    await leases.addResource({ id: lease, resource: { id: digest, type: "content" } }, { signal });
    const paths = Object.keys(labels).map((label) => `labels.${label}`);
    if (paths.length > 0) await content.update({ info: { digest, labels }, updateMask: { paths } }, { signal });
    return true;
  } catch (error) {
    if (isKind(error, "notFound")) return false;
    throw error;
  }
}

/**
 * The first answer says how much containerd has: all of it, where another namespace has the blob and the store shares them.
 * Chunks go out as they are made, whatever has been answered so far; the commit's answer ends it.
 */
async function stream(signal: AbortSignal, containerd: ContainerdConnection, upload: Upload): Promise<void> {
  const { ref, known, labels, lease, chunks, end } = upload;
  const expected = known?.digest ?? "";
  const total = BigInt(known?.sizeBytes ?? 0);
  const begun = Promise.withResolvers<bigint>();
  begun.promise.catch(() => {});
  let failure: unknown;
  async function* requests() {
    yield { action: WriteAction.STAT, ref, total, expected };
    let offset = await begun.promise;
    try {
      for await (const data of known !== undefined && offset === total ? [] : chunks()) {
        yield { action: WriteAction.WRITE, ref, total, expected, offset, data };
        offset += BigInt(data.length);
      }
    } catch (error) {
      failure = error;
      throw error;
    }
    const { digest } = end();
    yield { action: WriteAction.COMMIT, ref, total: offset, expected: digest, offset, labels: { ...labels } };
  }
  try {
    for await (const answer of containerd.content.write(requests(), underLease(signal, lease))) {
      begun.resolve(answer.offset);
      if (isCommitted(answer)) return;
    }
  } catch (error) {
    throw failure ?? toEngineError(error, containerd.socketPath);
  } finally {
    begun.reject(new EngineError("canceled", "the stream has ended"));
  }
  const text = `containerd ${containerd.socketPath}: left off in the middle of ${ref}`;
  throw failure ?? new EngineError("unavailable", text);
}

function isCommitted({ action }: WriteContentResponse): boolean {
  return action === WriteAction.COMMIT;
}

async function ignore(kind: "notFound", work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, kind)) throw error;
  }
}
