import { readFileSync } from "node:fs";

/** Version of this package. */
export function clientVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version?: string };
  return version ?? "unknown";
}
