import assert from "node:assert/strict";
import test from "node:test";
import { unifiedDiff } from "./unified-diff.ts";

test("a new file, a changed one, an equal one", () => {
  assert.equal(unifiedDiff(undefined, "a\nb\n", "/x"), "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  assert.equal(unifiedDiff("a\n", "a\n", "/x"), "");
  const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
  const after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";
  const expected = [
    "--- a/x",
    "+++ b/x",
    "@@ -2,7 +2,7 @@",
    " 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8",
    "@@ -10,3 +10,4 @@",
    " 10\n 11\n 12\n+13",
  ];
  assert.equal(unifiedDiff(before, after, "/x"), `${expected.join("\n")}\n`);
});
