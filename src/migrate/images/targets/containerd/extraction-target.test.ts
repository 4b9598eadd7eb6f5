import assert from "node:assert/strict";
import test from "node:test";
import { isKind } from "#base/errors.ts";
import { extractionTarget } from "./extraction-target.ts";

const overlay = (...options: string[]) => [{ type: "overlay", source: "overlay", options }];
const at = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

test("the lowest layer goes to the bind mount's source, others to the upper directory", () => {
  const bind = { type: "bind", source: `${at}/1/fs`, options: ["rw", "rbind"] };
  assert.deepEqual(extractionTarget([bind]), { directory: `${at}/1/fs`, whiteouts: "overlay", parents: [] });
  const words = [`workdir=${at}/3/work`, `upperdir=${at}/3/fs`, `lowerdir=${at}/2/fs:${at}/1/fs`];
  assert.deepEqual(extractionTarget(overlay("index=off", ...words)), {
    directory: `${at}/3/fs`,
    whiteouts: "overlay",
    parents: [`${at}/2/fs`, `${at}/1/fs`],
  });
});

test("what is not known is left to containerd", () => {
  const words = ["workdir=/w", "upperdir=/u", "lowerdir=/l"];
  const cases = [
    [],
    overlay(...words, "userxattr"),
    overlay(...words, "uidmap=0:100000:65536"),
    overlay("lowerdir=/l:/m"),
    overlay("workdir=/w", "upperdir=/u", "lowerdir=/a\\:b"),
    [{ type: "erofs", source: "/x", options: [] }],
    [...overlay(...words), ...overlay(...words)],
  ];
  for (const mounts of cases) {
    assert.throws(
      () => extractionTarget(mounts),
      (error) => isKind(error, "failedPrecondition"),
    );
  }
});
