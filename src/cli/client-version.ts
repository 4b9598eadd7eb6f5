import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Version of this package, whose root is three names above the program. */
export function clientVersion(): string {
  const text = readFileSync(join(process.argv[1] ?? "", "../../../package.json"), "utf8");
  const { version } = JSON.parse(text) as { version?: string };
  return version ?? "unknown";
}
