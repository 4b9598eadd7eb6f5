import { JsonReader } from "#base/json-reader.ts";
import type { RegistryAccess, RegistryAuth } from "#core/registry/registry.ts";

const maxHeaderBytes = 64 * 1024;

/**
 * Credentials of the `X-Registry-Auth` header: base64url of JSON. One that cannot be read counts as none, as Docker has it.
 */
export function registryAccess(header: string | string[] | undefined): RegistryAccess {
  if (typeof header !== "string" || header === "") return {};
  try {
    const body = JsonReader.parse(Buffer.from(header, "base64url"), "X-Registry-Auth", maxHeaderBytes);
    const auth = toRegistryAuth(body);
    return auth === undefined ? {} : { auth };
  } catch {
    return {};
  }
}

/** Docker's `AuthConfig`; undefined when it has no credentials. */
export function toRegistryAuth(body: JsonReader): RegistryAuth | undefined {
  const text = (name: string) => body.at(name).optionalString() ?? "";
  if (text("identitytoken") !== "") return { t: "identity", token: text("identitytoken") };
  if (text("registrytoken") !== "") return { t: "bearer", token: text("registrytoken") };
  if (text("username") !== "") return { t: "basic", username: text("username"), password: text("password") };
  const pair = Buffer.from(text("auth"), "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon > 0 ? { t: "basic", username: pair.slice(0, colon), password: pair.slice(colon + 1) } : undefined;
}

/** The registry host of a `serveraddress`: `https://index.docker.io/v1/` and nothing are Docker Hub. */
export function authDomain(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return ["", "index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}
