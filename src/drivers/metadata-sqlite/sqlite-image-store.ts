import { nowNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import { isDigest } from "#core/content/digest.ts";
import type { Image, ImageName, ImageStore } from "#core/images/image-store.ts";
import { formatFamiliar, parseReference } from "#core/images/reference.ts";
import type { Labels } from "#core/labels.ts";
import type { Database } from "./database.ts";
import { bigintOf, labelsOf, parseObject, textOf, type Row } from "./row.ts";

/** Image names and their targets. */
export class SqliteImageStore implements ImageStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(call: Call, name: ImageName): Promise<Image | undefined> {
    return this.#find(call, name);
  }

  async get(call: Call, name: ImageName): Promise<Image> {
    const image = this.#find(call, name);
    if (image === undefined) throw notFound(name);
    return image;
  }

  async list(call: Call): Promise<Image[]> {
    return this.#database.all("SELECT * FROM images WHERE namespace = ? ORDER BY name", call.namespace).map(decode);
  }

  async put(
    call: Call,
    name: ImageName,
    target: Descriptor,
    labels?: Labels,
  ): Promise<{ image: Image; previous?: Image }> {
    return this.#database.transaction(() => {
      const previous = this.#find(call, name);
      const now = nowNs();
      const image: Image = {
        name,
        target,
        labels: labels ?? previous?.labels ?? {},
        createdAtNs: previous?.createdAtNs ?? now,
        updatedAtNs: now,
      };
      this.#write(call, image);
      return previous === undefined ? { image } : { image, previous };
    });
  }

  async delete(call: Call, name: ImageName): Promise<void> {
    const { changes } = this.#database.run("DELETE FROM images WHERE namespace = ? AND name = ?", call.namespace, name);
    if (changes === 0) throw notFound(name);
  }

  #write(call: Call, image: Image): void {
    this.#database.run(
      "INSERT OR REPLACE INTO images (namespace, name, target, labels, created_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?)",
      call.namespace,
      image.name,
      JSON.stringify(image.target),
      JSON.stringify(image.labels),
      image.createdAtNs,
      image.updatedAtNs,
    );
  }

  #find(call: Call, name: ImageName): Image | undefined {
    const row = this.#database.get("SELECT * FROM images WHERE namespace = ? AND name = ?", call.namespace, name);
    return row === undefined ? undefined : decode(row);
  }
}

/** Docker's text, which its clients look for. Source: moby daemon/images/image.go. */
function notFound(name: ImageName): EngineError {
  return new EngineError("notFound", `No such image: ${familiar(name)}`);
}

function familiar(name: ImageName): string {
  try {
    return formatFamiliar(parseReference(name));
  } catch {
    return name;
  }
}

function decode(row: Row): Image {
  return {
    name: textOf(row, "name") as ImageName,
    target: decodeTarget(row),
    labels: labelsOf(row),
    createdAtNs: bigintOf(row, "created_ns"),
    updatedAtNs: bigintOf(row, "updated_ns"),
  };
}

function decodeTarget(row: Row): Descriptor {
  const target = parseObject(textOf(row, "target"), "target");
  const { mediaType, digest, sizeBytes } = target;
  if (typeof mediaType === "string" && typeof digest === "string" && isDigest(digest) && typeof sizeBytes === "number")
    return target as Descriptor;
  throw new EngineError("dataLoss", `database: image ${textOf(row, "name")}: its target is no descriptor`);
}
