import { EngineError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import { maxItems } from "./host-config-shape.ts";

export type Security = Pick<
  ContainerConfig,
  "seccomp" | "noNewPrivileges" | "capabilities" | "apparmorProfile" | "maskedPaths" | "readonlyPaths"
>;

const maxProfileBytes = 1024 * 1024;

/**
 * Capabilities, `SecurityOpt` and the masked paths of a HostConfig.
 *
 * @throws invalidArgument for an option that is not known: leaving it out would make the container less confined
 */
export function toSecurity(host: JsonReader): Security {
  const options = host.at("SecurityOpt").strings(maxItems).map(splitOption);
  const last = (key: string) => options.findLast((option) => option.key === key)?.value;
  const apparmor = last("apparmor");
  const noNewPrivileges = last("no-new-privileges");
  const unconfinedPaths = last("systempaths") === "unconfined";
  return {
    seccomp: toSeccomp(last("seccomp")),
    noNewPrivileges: noNewPrivileges !== undefined && noNewPrivileges !== "false",
    capabilities: {
      add: host
        .at("CapAdd")
        .strings(maxItems)
        .map((name) => normaliseCapability(name, "CapAdd")),
      drop: host
        .at("CapDrop")
        .strings(maxItems)
        .map((name) => normaliseCapability(name, "CapDrop")),
    },
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...paths("maskedPaths", host.at("MaskedPaths"), unconfinedPaths),
    ...paths("readonlyPaths", host.at("ReadonlyPaths"), unconfinedPaths),
  };
}

const knownOptions = new Set(["no-new-privileges", "seccomp", "apparmor", "label", "systempaths"]);

/** `key=value`, `key:value` of old, or `no-new-privileges` alone. */
function splitOption(text: string): { key: string; value: string } {
  const match = /^([a-z-]+)(?:[=:](.*))?$/s.exec(text);
  const key = match?.[1] ?? "";
  if (knownOptions.has(key)) return { key, value: match?.[2] ?? "" };
  throw new EngineError("invalidArgument", `invalid --security-opt 2: ${JSON.stringify(text)}`);
}

function toSeccomp(value: string | undefined): ContainerConfig["seccomp"] {
  if (value === undefined || value === "" || value === "builtin") return { t: "default" };
  if (value === "unconfined") return { t: "unconfined" };
  const profile = JsonReader.parse(Buffer.from(value), "Decoding seccomp profile failed", maxProfileBytes);
  return { t: "profile", profile: profile.object() as JsonObject };
}

function normaliseCapability(name: string, field: string): string {
  const upper = name.toUpperCase();
  if (upper === "ALL") return upper;
  if (/^[A-Z_]+$/.test(upper)) return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  throw new EngineError("invalidArgument", `invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
}

/** Absent: the default list. Empty: none. */
function paths(
  key: "maskedPaths" | "readonlyPaths",
  reader: JsonReader,
  unconfined: boolean,
): Partial<Record<typeof key, string[]>> {
  if (unconfined) return { [key]: [] };
  return reader.isPresent ? { [key]: reader.strings(maxItems) } : {};
}
