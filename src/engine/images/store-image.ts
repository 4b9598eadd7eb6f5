import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { mediaTypes, type Descriptor } from "#core/content/descriptor.ts";
import { decodeImageConfig } from "#core/images/image-config.ts";
import { decodeManifest, encodeDescriptor } from "#core/images/manifest.ts";
import type { Engine } from "../engine.ts";
import { referManifest } from "./gc-references.ts";
import { readDocument, type ReadEngine } from "./read-image.ts";
import { writeDocument } from "./write-blob.ts";

/** Writes a manifest over blobs that are in the store. */
export async function storeManifest(
  call: Call,
  engine: Pick<Engine, "content">,
  parts: { config: Descriptor; layers: readonly Descriptor[] },
): Promise<Descriptor> {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: encodeDescriptor(parts.config),
    layers: parts.layers.map(encodeDescriptor),
  };
  return await writeDocument(call, engine, mediaTypes.ociManifest, Buffer.from(JSON.stringify(document)));
}

/**
 * Checks that all of a manifest is in the store for the call's lease, and labels it with what it needs.
 *
 * @throws notFound naming the blob that is missing @throws invalidArgument when it is no image
 */
export async function completeManifest(call: Call, engine: ReadEngine, manifest: Descriptor): Promise<void> {
  const document = decodeManifest(await readDocument(call, engine, manifest), manifest.mediaType);
  for (const blob of [document.config, ...document.layers]) {
    const { sizeBytes } = await engine.content.get(call, blob.digest);
    if (sizeBytes === blob.sizeBytes) continue;
    throw new EngineError(
      "dataLoss",
      `content ${blob.digest}: ${sizeBytes} bytes, its manifest says ${blob.sizeBytes}`,
    );
  }
  const { diffIds } = decodeImageConfig(await readDocument(call, engine, document.config));
  if (diffIds.length !== document.layers.length) {
    const counts = `${document.layers.length} layers, its config names ${diffIds.length}`;
    throw new EngineError("invalidArgument", `image ${manifest.digest}: the manifest has ${counts}`);
  }
  await referManifest(call, engine, manifest.digest, document);
}
