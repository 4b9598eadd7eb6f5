import { isAbsolute } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";

/** A path of the host in a request. @throws invalidArgument when it is not absolute */
export function hostPathAt(json: JsonReader, member: string): string {
  const path = json.at(member).string();
  if (isAbsolute(path) && !path.includes("\0")) return path;
  throw new EngineError("invalidArgument", `${member} ${JSON.stringify(path)}: not an absolute path`);
}
