import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "#base/atomic-file.ts";
import type { UnixNs } from "#base/clock.ts";
import { parseNamespace, type Namespace } from "#core/call.ts";
import type { IngestStatus } from "#core/content/content-store.ts";
import { dataPath } from "./content-layout.ts";

/** What is noted beside the bytes of an ingest. */
export type IngestRecord = {
  readonly namespace: Namespace;
  readonly ref: string;
  readonly totalBytes?: number;
  readonly startedAtNs: UnixNs;
};

/** Not durable: an ingest that a power failure takes is begun anew. */
export async function writeIngestRecord(directory: string, record: IngestRecord): Promise<void> {
  const json = JSON.stringify({ version: 1, ...record, startedAtNs: record.startedAtNs.toString() });
  await writeFileAtomic(recordPath(directory), json, { durable: false });
}

/** The record in an ingest's directory; undefined when there is none or it cannot be read. */
export async function readIngestRecord(directory: string): Promise<IngestRecord | undefined> {
  try {
    return decode(JSON.parse(await readFile(recordPath(directory), "utf8")));
  } catch {
    // A crash between two steps of making it, or a newer Ferry's: either way nothing to go on from.
    return undefined;
  }
}

/** How far an ingest is; undefined when it is gone or half-made. */
export async function readIngestStatus(
  directory: string,
): Promise<{ namespace: Namespace; status: IngestStatus } | undefined> {
  const [record, data] = await Promise.all([readIngestRecord(directory), statData(directory)]);
  if (record === undefined || data === undefined) return undefined;
  const { namespace, ...rest } = record;
  return { namespace, status: { ...rest, offsetBytes: Number(data.size), updatedAtNs: data.mtimeNs } };
}

async function statData(directory: string) {
  try {
    return await stat(dataPath(directory), { bigint: true });
  } catch {
    return undefined;
  }
}

function recordPath(directory: string): string {
  return join(directory, "ingest.json");
}

function decode(json: unknown): IngestRecord | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { version, namespace, ref, totalBytes, startedAtNs } = json as Record<string, unknown>;
  if (version !== 1 || typeof namespace !== "string" || typeof ref !== "string" || typeof startedAtNs !== "string") {
    return undefined;
  }
  const head = { namespace: parseNamespace(namespace), ref, startedAtNs: BigInt(startedAtNs) };
  return typeof totalBytes === "number" ? { ...head, totalBytes } : head;
}
