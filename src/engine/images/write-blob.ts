import { createHash, randomUUID } from "node:crypto";
import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { digestOf, type Digest } from "#core/content/digest.ts";
import type { Engine } from "../engine.ts";

type ContentEngine = Pick<Engine, "content">;
type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Puts bytes that are at hand into the store, for the call's lease; known ones are taken as they are. */
export async function writeDocument(
  call: Call,
  engine: ContentEngine,
  mediaType: string,
  bytes: Uint8Array,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  await writeBlob(call, engine, [bytes], digest);
  return { mediaType, digest, sizeBytes: bytes.length };
}

/**
 * Streams a blob into the store, for the call's lease. With `expected` it must be that one; a known one is not read.
 *
 * @throws dataLoss when it is another one
 */
export async function writeBlob(
  call: Call,
  { content }: ContentEngine,
  source: Bytes,
  expected?: Digest,
): Promise<{ digest: Digest; sizeBytes: number }> {
  const ref = `write-${randomUUID()}`;
  await using undo = new AsyncDisposableStack();
  // Not kept for a later writer: nobody knows the ref.
  undo.defer(async () => await ignore("notFound", content.abortIngest(call, ref)));
  try {
    const writer = undo.use(await content.openWriter(call, ref, expected === undefined ? {} : { digest: expected }));
    const hash = expected === undefined ? createHash("sha256") : undefined;
    for await (const chunk of source) {
      hash?.update(chunk);
      await writer.write(chunk);
    }
    const digest = expected ?? (`sha256:${hash?.digest("hex")}` as Digest);
    const sizeBytes = writer.offsetBytes;
    await ignore("alreadyExists", writer.commit({ digest }));
    return { digest, sizeBytes };
  } catch (error) {
    if (!isKind(error, "alreadyExists") || expected === undefined) throw error;
    return { digest: expected, sizeBytes: (await content.get(call, expected)).sizeBytes };
  }
}

async function ignore(kind: "notFound" | "alreadyExists", work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, kind)) throw error;
  }
}
