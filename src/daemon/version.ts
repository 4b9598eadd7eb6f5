import { readFileSync } from "node:fs";

/** Ferry's own, from package.json, which lies two levels above in a checkout and in a package. Read at start only. */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? "unknown";
}
