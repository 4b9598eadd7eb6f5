import { JsonReader } from "#base/json-reader.ts";
import { decodePlatform } from "#core/images/manifest.ts";
import { normalisePlatform, type Platform } from "#core/images/platform.ts";

/** A `platform` parameter in JSON, as newer clients send it; undefined where there is none. @throws invalidArgument */
export function readPlatform(text: string): Platform | undefined {
  if (text === "") return undefined;
  return normalisePlatform(decodePlatform(JsonReader.parse(Buffer.from(text), "platform", 4096)));
}
