import { EngineError } from "#base/errors.ts";
import { readTar } from "#base/tar/read-tar.ts";
import type { TarEntry } from "#base/tar/tar-header.ts";
import type { Call } from "#core/call.ts";
import { parseDigest, type Digest } from "#core/content/digest.ts";
import { maxManifestBytes } from "#core/images/manifest.ts";
import type { Engine } from "../engine.ts";
import { writeBlob } from "./write-blob.ts";

/** What an archive of images holds, its blobs in the store already, for the call's lease. */
export type ArchiveContents = {
  /** Texts of JSON files by path. */
  readonly documents: ReadonlyMap<string, Buffer>;
  /** Blobs by path; those below `blobs/` are what their name says. */
  readonly blobs: ReadonlyMap<string, ArchiveBlob>;
};

export type ArchiveBlob = { readonly digest: Digest; readonly sizeBytes: number };

const maxEntries = 100_000;
const maxDocumentsBytes = 64 * 1024 * 1024;

/**
 * Reads an archive once, in whatever order it is: blobs go into the store, documents stay in memory.
 *
 * Paths are keys and nothing else: nothing is written under a name of the archive.
 * @throws dataLoss when it is broken or a blob is not what its name says @throws resourceExhausted past a bound
 */
export async function readArchive(
  call: Call,
  engine: Pick<Engine, "content" | "settings">,
  archive: AsyncIterable<Uint8Array>,
  onEntry: (name: string, sizeBytes: number) => void,
): Promise<ArchiveContents> {
  const documents = new Map<string, Buffer>();
  const blobs = new Map<string, ArchiveBlob>();
  const links = new Map<string, string>();
  let entries = 0;
  let documentsBytes = 0;
  for await (const { entry, body } of readTar(archive)) {
    call.signal.throwIfAborted();
    const name = cleanPath(entry.name);
    if (++entries > maxEntries) throw new EngineError("resourceExhausted", `archive: more than ${maxEntries} entries`);
    if (entry.type === "symlink" || entry.type === "hardlink") links.set(name, linkTarget(name, entry));
    if (entry.type !== "file") continue;
    checkSize(entry, engine.settings.layerLimits.maxUncompressedBytes);
    onEntry(name, entry.sizeBytes);
    if (isDocument(name, entry)) {
      documentsBytes += entry.sizeBytes;
      if (documentsBytes > maxDocumentsBytes) throw new EngineError("resourceExhausted", "archive: too much JSON");
      documents.set(name, await gather(body));
    } else blobs.set(name, await storeEntry(call, engine, name, body));
  }
  for (const [name, target] of links) {
    const blob = blobs.get(target);
    if (blob !== undefined) blobs.set(name, blob);
  }
  return { documents, blobs };
}

/** The bytes of a document wherever it stands: among the documents, or as a blob in the store. */
export async function documentAt(
  call: Call,
  { content }: Pick<Engine, "content">,
  { documents, blobs }: ArchiveContents,
  path: string,
): Promise<Buffer> {
  const name = cleanPath(path);
  const document = documents.get(name);
  if (document !== undefined) return document;
  const blob = blobs.get(name);
  if (blob === undefined) throw new EngineError("invalidArgument", `archive: ${JSON.stringify(name)} is missing`);
  if (blob.sizeBytes > maxManifestBytes) {
    throw new EngineError("invalidArgument", `archive: ${JSON.stringify(name)}: ${blob.sizeBytes} bytes is too long`);
  }
  await using reader = await content.open(call, blob.digest);
  return Buffer.from(await reader.read(0, blob.sizeBytes));
}

/** Without `./`, double slashes and a slash at either end. */
export function cleanPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** JSON at its known places; what stands below `blobs/` is a blob, JSON or not. */
function isDocument(name: string, { sizeBytes }: TarEntry): boolean {
  if (sizeBytes > maxManifestBytes || name.startsWith("blobs/")) return false;
  return /(?:^|\/)(?:[^/]+\.json|json|repositories|oci-layout|VERSION)$/.test(name);
}

async function storeEntry(call: Call, engine: Pick<Engine, "content">, name: string, body: AsyncIterable<Buffer>) {
  const match = /^blobs\/(sha256|sha512)\/([^/]+)$/.exec(name);
  const expected = match === null ? undefined : parseDigest(`${match[1]}:${match[2]}`);
  try {
    return await writeBlob(call, engine, body, expected);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind !== "dataLoss") throw error;
    throw new EngineError("dataLoss", `archive: ${name}: ${error.message}`, { cause: error });
  }
}

function checkSize({ name, sizeBytes }: TarEntry, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  throw new EngineError(
    "resourceExhausted",
    `archive: ${JSON.stringify(name)}: ${sizeBytes} bytes, the limit is ${maxBytes}`,
  );
}

/** Where a link leads, within the archive's names. */
function linkTarget(name: string, { linkName, type }: TarEntry): string {
  if (type === "hardlink" || linkName.startsWith("/")) return cleanPath(linkName);
  const parts = [...name.split("/").slice(0, -1), ...linkName.split("/")];
  const resolved: string[] = [];
  for (const part of parts) {
    if (part === "..") resolved.pop();
    else resolved.push(part);
  }
  return cleanPath(resolved.join("/"));
}

async function gather(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
