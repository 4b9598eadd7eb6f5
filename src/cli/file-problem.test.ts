import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { EngineError } from "#base/errors.ts";
import { fileProblem, isDenied } from "./file-problem.ts";

test("a file's own error is said in words, and whether root may help", async () => {
  const missing: unknown = await readFile("/none/such").catch((error: unknown) => error);
  assert.equal(fileProblem(missing), "/none/such: no such file or directory");
  assert.equal(isDenied(missing), false);
  const denied = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: "EACCES", path: "/x" });
  assert.equal(fileProblem(denied), "/x: permission denied");
  const wrapped = new EngineError("permissionDenied", "file /x: may not be read", { cause: denied });
  assert.deepEqual([fileProblem(wrapped), isDenied(wrapped)], [undefined, true]);
});
