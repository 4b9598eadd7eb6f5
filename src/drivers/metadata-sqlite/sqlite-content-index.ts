import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContentIndex } from "#core/content/content-index.ts";
import type { ContentInfo } from "#core/content/content-store.ts";
import { parseDigest, type Digest } from "#core/content/digest.ts";
import { patchLabels, type LabelPatch, type Labels } from "#core/labels.ts";
import type { Database } from "./database.ts";
import { addLeaseResource } from "./lease-resources.ts";
import { bigintOf, labelsOf, numberOf, textOf, type Row } from "./row.ts";

/** Which namespace has which blob. */
export class SqliteContentIndex implements ContentIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(call: Call, digest: Digest): Promise<ContentInfo | undefined> {
    return this.#find(call, digest);
  }

  async list(call: Call): Promise<ContentInfo[]> {
    return this.#database.all("SELECT * FROM content WHERE namespace = ? ORDER BY digest", call.namespace).map(decode);
  }

  async findAnywhere(digest: Digest): Promise<{ sizeBytes: number } | undefined> {
    const row = this.#database.get("SELECT size_bytes FROM content WHERE digest = ? LIMIT 1", digest);
    return row === undefined ? undefined : { sizeBytes: numberOf(row, "size_bytes") };
  }

  async listAnywhere(): Promise<Set<Digest>> {
    const rows = this.#database.all("SELECT DISTINCT digest FROM content");
    return new Set(rows.map((row) => parseDigest(textOf(row, "digest"))));
  }

  async insert(call: Call, digest: Digest, sizeBytes: number, labels: Labels): Promise<ContentInfo> {
    const known = this.#database.transaction(() => {
      const known = this.#find(call, digest);
      if (known === undefined) this.#insert(call, digest, sizeBytes, labels);
      if (call.leaseId !== undefined) {
        addLeaseResource(this.#database, call.namespace, call.leaseId, { t: "content", digest });
      }
      return known;
    });
    if (known !== undefined) throw new EngineError("alreadyExists", `content ${digest}: already exists`);
    return this.#get(call, digest);
  }

  async updateLabels(call: Call, digest: Digest, patch: LabelPatch): Promise<ContentInfo> {
    return this.#database.transaction(() => {
      const { labels } = this.#get(call, digest);
      this.#database.run(
        "UPDATE content SET labels = ?, updated_ns = ? WHERE namespace = ? AND digest = ?",
        JSON.stringify(patchLabels(labels, patch)),
        nowNs(),
        call.namespace,
        digest,
      );
      return this.#get(call, digest);
    });
  }

  async delete(call: Call, digest: Digest): Promise<void> {
    const sql = "DELETE FROM content WHERE namespace = ? AND digest = ?";
    if (this.#database.run(sql, call.namespace, digest).changes === 0) throw notFound(digest);
  }

  async deleteAnywhere(digest: Digest): Promise<void> {
    this.#database.run("DELETE FROM content WHERE digest = ?", digest);
  }

  #insert(call: Call, digest: Digest, sizeBytes: number, labels: Labels): void {
    const now = nowNs();
    this.#database.run(
      "INSERT INTO content (namespace, digest, size_bytes, labels, created_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?)",
      call.namespace,
      digest,
      sizeBytes,
      JSON.stringify(labels),
      now,
      now,
    );
  }

  #get(call: Call, digest: Digest): ContentInfo {
    const found = this.#find(call, digest);
    if (found === undefined) throw notFound(digest);
    return found;
  }

  #find(call: Call, digest: Digest): ContentInfo | undefined {
    const row = this.#database.get("SELECT * FROM content WHERE namespace = ? AND digest = ?", call.namespace, digest);
    return row === undefined ? undefined : decode(row);
  }
}

function notFound(digest: Digest): EngineError {
  return new EngineError("notFound", `content ${digest}: not found`);
}

function decode(row: Row): ContentInfo {
  return {
    digest: parseDigest(textOf(row, "digest")),
    sizeBytes: numberOf(row, "size_bytes"),
    labels: labelsOf(row),
    createdAtNs: bigintOf(row, "created_ns"),
    updatedAtNs: bigintOf(row, "updated_ns"),
  };
}
