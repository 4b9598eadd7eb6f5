import assert from "node:assert/strict";
import test from "node:test";
import { findMount, parseMountTable } from "./mount-table.ts";

const table = parseMountTable(
  [
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "30 21 8:1 /var/lib/docker/overlay2 /var/lib/docker/overlay2 rw - ext4 /dev/sda1 rw",
    "31 21 8:2 /@data /a\\040b rw - btrfs /dev/sdb rw",
    "32 21 8:3 / /a\\040b rw - ext4 /dev/sdc rw",
    "",
  ].join("\n"),
);

test("a path is seen through the deepest mount, and the last one on a point", () => {
  const at = (path: string) => {
    const found = findMount(table, path);
    return [found?.mount.id, found?.path];
  };
  assert.deepEqual(at("/var/lib/containerd"), ["21", "/var/lib/containerd"]);
  assert.deepEqual(at("/var/lib/docker/overlay2/x/diff"), ["30", "/var/lib/docker/overlay2/x/diff"]);
  assert.deepEqual(at("/var/lib/docker/overlay2-x"), ["21", "/var/lib/docker/overlay2-x"]);
  assert.deepEqual(at("/a b/c"), ["32", "/c"]);
});
