import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";

const listPath = "test/dependencies.txt";
const accept = "node --conditions=source test/dependencies.test.ts --rewrite";

type Lock = { packages: Record<string, { version?: string; dev?: boolean; devOptional?: boolean }> };

/** `package@version` of what a user's machine gets, sorted; a package in two versions has two lines. */
function resolvedDependencies(): string {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  const lines = Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== "" && dev !== true && devOptional !== true)
    .map(([path, { version = "?" }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`);
  return `${[...new Set(lines)].toSorted().join("\n")}\n`;
}

test("every package that is shipped was accepted by somebody", () => {
  const resolved = resolvedDependencies();
  if (process.argv.includes("--rewrite")) writeFileSync(listPath, resolved);
  const accepted = readFileSync(listPath, "utf8").split("\n");
  const found = resolved.split("\n");
  const difference = [
    ...found.filter((line) => !accepted.includes(line)).map((line) => `+ ${line}`),
    ...accepted.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ];
  assert.deepEqual(difference, [], `package-lock.json and ${listPath} differ; look at each, then accept: ${accept}`);
});
