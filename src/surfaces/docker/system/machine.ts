import { readFile } from "node:fs/promises";
import { arch } from "node:os";

/** This machine's processor as Go and OCI name it. */
export function goArchitecture(): string {
  return { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" }[arch() as string] ?? arch();
}

/** As `uname -m` has it. */
export function unameArchitecture(): string {
  return { x64: "x86_64", ia32: "i686", arm64: "aarch64", arm: "armv7l" }[arch() as string] ?? arch();
}

/** `PRETTY_NAME` and `VERSION_ID` of os-release(5). */
export async function operatingSystem(): Promise<{ name: string; version: string }> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return { name: value("PRETTY_NAME") || "Linux", version: value("VERSION_ID") };
}
