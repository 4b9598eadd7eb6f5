import { EngineError } from "#base/errors.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";

/** What ADD answered, reduced to what a runtime uses; any specification version from 0.1.0 on. */
export type CniResult = {
  readonly interfaces: readonly { readonly name: string; readonly mac: string; readonly sandbox: string }[];
  readonly ips: readonly { readonly address: string; readonly gateway: string; readonly interfaceIndex?: number }[];
  readonly dns: {
    readonly nameservers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
};

/** @throws internal when `result` has not the shape the specification gives it */
export function decodeCniResult(result: JsonObject, what: string): CniResult {
  try {
    return {
      interfaces: listOf(result["interfaces"]).map((entry) => ({
        name: textOf(entry["name"]),
        mac: textOf(entry["mac"]),
        sandbox: textOf(entry["sandbox"]),
      })),
      ips: [...listOf(result["ips"]).map(decodeIp), ...oldIps(result)],
      dns: decodeDns(objectOf(result["dns"] ?? {})),
    };
  } catch (error) {
    throw new EngineError("internal", `${what}: plugin's result is malformed`, { cause: error });
  }
}

function decodeIp(entry: JsonObject): CniResult["ips"][number] {
  const index = entry["interface"];
  const ip = { address: textOf(entry["address"]), gateway: textOf(entry["gateway"]) };
  return typeof index === "number" ? { ...ip, interfaceIndex: index } : ip;
}

/** Before 0.3.0: one address per family under `ip4` and `ip6`. */
function oldIps(result: JsonObject): CniResult["ips"][number][] {
  const found = [result["ip4"], result["ip6"]].filter((entry) => entry !== undefined && entry !== null);
  return found.map((entry) => {
    const { ip, gateway } = objectOf(entry);
    return { address: textOf(ip), gateway: textOf(gateway) };
  });
}

function decodeDns(dns: JsonObject): CniResult["dns"] {
  const texts = (value: JsonValue | undefined) => (Array.isArray(value) ? value.map(textOf) : []);
  return { nameservers: texts(dns["nameservers"]), search: texts(dns["search"]), options: texts(dns["options"]) };
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error("not a list");
  return value.map(objectOf);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error("not an object");
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw new Error("not a string");
}
