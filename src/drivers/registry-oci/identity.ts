import { createHash } from "node:crypto";
import type { RegistryAuth } from "#core/registry/registry.ts";

export function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Tells identities apart without keeping their secrets as keys. */
export function authKey(auth: RegistryAuth | undefined): string {
  return auth === undefined ? "configured" : createHash("sha256").update(JSON.stringify(auth)).digest("hex");
}
