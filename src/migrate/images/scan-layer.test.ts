import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { scanLayer } from "./scan-layer.ts";

test("a recipe whose names no kernel takes is damaged, and costs nothing", { timeout: 60_000 }, async () => {
  await using directory = await temporaryDirectory("scan");
  const recipePath = join(directory.path, "tar-split.json.gz");
  const header = { type: 2, payload: Buffer.alloc(512, 65).toString("base64"), position: 0 };
  const entry = { type: 1, name: `${"a/".repeat(30_000)}b`, size: 0, position: 1 };
  await writeFile(recipePath, gzipSync([header, entry].map((line) => `${JSON.stringify(line)}\n`).join("")));
  await fails("dataLoss", scanLayer({ recipePath }), /layer recipe .*: name too long$/);
});
