import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { Check } from "../check.ts";

/** The Node's own condition. */
export function readinessCheck(node: string, object: JsonReader): Check {
  return {
    name: "node ready",
    next: `kubectl describe node ${node}; on it: journalctl -u kubelet -n 50`,
    prove: async () => {
      const conditions = object.at("status").at("conditions").list(1_000);
      const ready = conditions.find((condition) => condition.at("type").string() === "Ready");
      const message = ready?.at("message").optionalString() ?? "no Ready condition";
      if (ready?.at("status").string() !== "True") {
        throw new EngineError("failedPrecondition", `node ${node}: not Ready: ${message}`);
      }
      return await Promise.resolve(message);
    },
  };
}
