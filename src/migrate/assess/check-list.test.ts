import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import test from "node:test";
import { checkListPage } from "#test/support/check-list.ts";

const path = "docs/assess-checks.md";
const accept = "node --conditions=source src/migrate/assess/check-list.test.ts --rewrite";

test("the page of checks is the one of the tables", async () => {
  if (process.argv.includes("--rewrite")) await writeFile(path, checkListPage());
  assert.equal(await readFile(path, "utf8"), checkListPage(), `write it anew: ${accept}`);
});
