import assert from "node:assert/strict";
import test from "node:test";
import { chooseSmokeImage, fallbackSmokeImage } from "./smoke-image.ts";

test("an image with a shell that is there comes before one to be pulled", () => {
  assert.equal(chooseSmokeImage([]), fallbackSmokeImage);
  assert.equal(chooseSmokeImage(["nginx:1.25", "my-busybox:1"]), fallbackSmokeImage);
  assert.equal(chooseSmokeImage(["debian:12", "alpine:3.18", "reg.local:5000/base/alpine:3"]), "alpine:3.18");
  assert.equal(chooseSmokeImage(["alpine:3.18", "reg.local:5000/busybox:1.36"]), "reg.local:5000/busybox:1.36");
  assert.equal(chooseSmokeImage(["busybox@sha256:00"]), fallbackSmokeImage);
});
