import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";

/** `HostConfig.LogConfig`. @throws invalidArgument */
export function toLogConfig(log: JsonReader): ContainerConfig["log"] {
  const options = log.at("Config").stringMap();
  // Without a driver nobody can read it: as little as the monitor can do with is kept.
  if (log.at("Type").optionalString() === "none") return { maxBytes: 64 * 1024, maxFiles: 1 };
  const size = options["max-size"];
  const maxFiles = Number(options["max-file"] ?? 1);
  if (!Number.isInteger(maxFiles) || maxFiles < 1) {
    throw new EngineError("invalidArgument", "max-file cannot be less than 1");
  }
  return { ...(size === undefined ? {} : { maxBytes: parseSize(size) }), maxFiles };
}

/** `10m`, `1g`, `500k`: powers of 1024. */
function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) throw new EngineError("invalidArgument", `invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * 1024 ** "bkmgt".indexOf((match[2] || "b").toLowerCase()));
}
