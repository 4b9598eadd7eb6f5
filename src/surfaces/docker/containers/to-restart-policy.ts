import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { RestartPolicy } from "#core/containers/container-config.ts";
import { readInteger } from "./host-config-shape.ts";

/** Of a HostConfig or an update. Source: moby api/types/container/hostconfig.go, ValidateRestartPolicy. */
export function toRestartPolicy(host: JsonReader): RestartPolicy {
  const policy = host.at("RestartPolicy");
  const name = policy.at("Name").optionalString() || "no";
  const maxRetries = readInteger(policy.at("MaximumRetryCount"));
  const fail = (why: string) => new EngineError("invalidArgument", `invalid restart policy: ${why}`);
  if (name !== "no" && name !== "always" && name !== "unless-stopped" && name !== "on-failure") {
    throw fail(`unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (maxRetries < 0) throw fail("maximum retry count cannot be negative");
  if (maxRetries > 0 && name !== "on-failure") {
    throw fail("maximum retry count can only be used with 'on-failure'");
  }
  if (host.at("AutoRemove").boolean() && name !== "no") {
    throw new EngineError("invalidArgument", "can't create 'AutoRemove' container with restart policy");
  }
  return { name, maxRetries };
}
