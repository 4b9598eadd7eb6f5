import { appendFile, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomic } from "#base/atomic-file.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { parseDiffId, parseDigest, type Digest } from "#core/content/digest.ts";
import type { ImageProof, LayerProof } from "./image-target.ts";

/** What a journal is about; another migration has another one. */
export type JournalHeader = { readonly source: string; readonly target: string };

const version = 1;
const maxBytes = 256 * 1024 * 1024;

/**
 * Images that arrived, with their proofs: one JSON line each, on the disk before the next image begins.
 *
 * Targets find what they have by themselves; the journal spares a second run the looking, and keeps the proofs of the
 * first. A line that a kill cut off is dropped.
 */
export class ImagesJournal {
  readonly #path: string;
  readonly #header: JournalHeader;
  readonly #proofs: Map<Digest, ImageProof>;
  #isWhole = false;

  private constructor(path: string, header: JournalHeader, proofs: Map<Digest, ImageProof>) {
    this.#path = path;
    this.#header = header;
    this.#proofs = proofs;
  }

  /** Writes nothing yet. @throws failedPrecondition when the file is of another version or another migration */
  static async open(path: string, header: JournalHeader): Promise<ImagesJournal> {
    const lines = await readLines(path);
    const proofs = new Map<Digest, ImageProof>();
    if (lines.length > 0) checkHeader(path, lines, header);
    for (const line of lines.slice(1)) {
      const proof = decodeProof(JsonReader.parse(Buffer.from(line), path, maxBytes));
      proofs.set(proof.id, proof);
    }
    return new ImagesJournal(path, header, proofs);
  }

  find(id: Digest): ImageProof | undefined {
    return this.#proofs.get(id);
  }

  async add(proof: ImageProof): Promise<void> {
    this.#proofs.set(proof.id, proof);
    if (!this.#isWhole) return await this.#rewrite();
    await appendFile(this.#path, `${JSON.stringify(proof)}\n`);
    await using handle = await open(this.#path, "r");
    await handle.datasync();
  }

  /** Whole lines only, each image once. */
  async #rewrite(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const lines = [{ version, ...this.#header }, ...this.#proofs.values()].map((value) => `${JSON.stringify(value)}\n`);
    await writeFileAtomic(this.#path, lines.join(""));
    this.#isWhole = true;
  }
}

async function readLines(path: string): Promise<string[]> {
  try {
    // What follows the last line's end was cut off.
    return (await readFile(path, "utf8")).split("\n").slice(0, -1);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function checkHeader(path: string, [first = ""]: readonly string[], header: JournalHeader): void {
  const json = JsonReader.parse(Buffer.from(first), path, maxBytes);
  const found = json.at("version").optionalNumber();
  if (found !== version) {
    throw new EngineError(
      "failedPrecondition",
      `journal ${path}: version ${found ?? "unknown"}, this ferry writes ${version}; name another with --journal`,
    );
  }
  const [source, target] = [json.at("source").string(), json.at("target").string()];
  if (source === header.source && target === header.target) return;
  throw new EngineError(
    "failedPrecondition",
    `journal ${path}: it is of ${source} to ${target}; name another with --journal`,
  );
}

function decodeProof(json: JsonReader): ImageProof {
  return {
    id: parseDigest(json.at("id").string()),
    names: json.at("names").strings(100_000),
    manifest: parseDigest(json.at("manifest").string()),
    layers: json.at("layers").list(1024).map(decodeLayer),
  };
}

function decodeLayer(layer: JsonReader): LayerProof {
  const diffId = parseDiffId(layer.at("diffId").string());
  const how = layer.at("how").string() === "present" ? "present" : "carried";
  const files = layer.at("files").optionalString();
  return files === "shared" || files === "unpacked" ? { diffId, how, files } : { diffId, how };
}
