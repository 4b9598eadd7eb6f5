import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { RuntimeService, ImageService } from "#gen/runtime/v1/services_pb.ts";

test("src/gen is what proto/ says", () => {
  const { status, stdout, stderr } = spawnSync("sh", ["scripts/generate.sh", "--check"], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});

test("the services are those of the CRI", () => {
  assert.equal(RuntimeService.typeName, "runtime.v1.RuntimeService");
  assert.equal(RuntimeService.methods.length, 37);
  assert.equal(ImageService.methods.length, 6);
});
