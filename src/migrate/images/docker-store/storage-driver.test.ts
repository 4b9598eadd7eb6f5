import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { findStorageDriver } from "./storage-driver.ts";

test("a storage driver that has nothing here is refused with those that have", async () => {
  await using directory = await temporaryDirectory("store");
  const images = join(directory.path, "image/overlay2/imagedb/content/sha256");
  await mkdir(images, { recursive: true });
  await writeFile(join(images, "a".repeat(64)), "{}");
  const refused = findStorageDriver(directory.path, "btrfs");
  await fails("failedPrecondition", refused, /nothing of storage driver btrfs in it, but of overlay2$/);
});
