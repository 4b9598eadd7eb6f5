import { readFile } from "node:fs/promises";
import { EngineError, errnoOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { JsonObject } from "#base/json.ts";

const maxBytes = 4 * 1024 * 1024;

/** A seccomp profile of this machine, in the OCI runtime-spec's form. @throws invalidArgument when there is none */
export async function parseSeccompProfile(path: string): Promise<JsonObject> {
  if (!path.startsWith("/")) throw new EngineError("invalidArgument", `seccomp profile ${path}: not an absolute path`);
  try {
    const reader = JsonReader.parse(await readFile(path), `seccomp profile ${path}`, maxBytes);
    reader.at("defaultAction").string();
    return reader.object() as JsonObject;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw new EngineError("invalidArgument", `seccomp profile ${path}: ${errnoOf(error)}`, { cause: error });
  }
}
