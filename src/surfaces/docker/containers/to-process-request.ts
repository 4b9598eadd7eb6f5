import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { ImageHealthcheck } from "#core/images/image-config.ts";
import type { ProcessRequest } from "#engine/merge-image-config.ts";
import { maxItems, readInteger } from "./host-config-shape.ts";

/** What a create request says of the process, to be merged with the image's defaults. @throws invalidArgument */
export function toProcessRequest(body: JsonReader): ProcessRequest {
  const text = (name: string) => body.at(name).optionalString() ?? "";
  const health = body.at("Healthcheck");
  const stopTimeout = body.at("StopTimeout").optionalNumber();
  return {
    ...(body.at("Entrypoint").isPresent ? { entrypoint: stringOrList(body.at("Entrypoint")) } : {}),
    command: stringOrList(body.at("Cmd")),
    env: body.at("Env").strings(maxItems).map(checkedVariable),
    workdir: text("WorkingDir"),
    user: text("User"),
    stopSignal: text("StopSignal"),
    ...(stopTimeout === undefined ? {} : { stopTimeoutMs: stopTimeout * 1000 }),
    labels: body.at("Labels").stringMap(),
    volumes: body.at("Volumes").keys(),
    ...(health.isPresent ? { health: toHealth(health) } : {}),
  };
}

function stringOrList(reader: JsonReader): string[] {
  if (!reader.isPresent) return [];
  try {
    return reader.strings(maxItems);
  } catch {
    return [reader.string()];
  }
}

/** Times are nanoseconds. Source: moby daemon/container.go, validateHealthCheck. */
function toHealth(health: JsonReader): ImageHealthcheck {
  const ms = (name: string) => {
    const ns = readInteger(health.at(name));
    if (ns !== 0 && ns < 1_000_000) {
      throw new EngineError("invalidArgument", `${name} in Healthcheck cannot be less than 1ms`);
    }
    return ns / 1e6;
  };
  const retries = readInteger(health.at("Retries"));
  if (retries < 0) throw new EngineError("invalidArgument", "Retries in Healthcheck cannot be negative");
  return {
    test: health.at("Test").strings(maxItems),
    intervalMs: ms("Interval"),
    timeoutMs: ms("Timeout"),
    startPeriodMs: ms("StartPeriod"),
    startIntervalMs: ms("StartInterval"),
    retries,
  };
}

/** `NAME=value`, or `NAME` alone. */
function checkedVariable(text: string): string {
  if (text !== "" && !text.startsWith("=")) return text;
  throw new EngineError("invalidArgument", `invalid environment variable: ${text}`);
}
