import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { runRuntime } from "./runtime-binary.ts";

test("an aborted command fails its caller and nobody else", async () => {
  const controller = new AbortController();
  await using directory = await temporaryDirectory("runtime-binary");
  const path = join(directory.path, "slow");
  await writeFile(path, "#!/bin/sh\nexec sleep 1000\n", { mode: 0o755 });
  const binary = { name: "slow", path, root: "/", systemdCgroup: false, options: [] };
  const running = runRuntime(testCall({ signal: controller.signal }), binary, ["sleep"]);
  setTimeout(() => controller.abort(), 100);
  // A rejection that nobody handles would fail the test, and end a daemon.
  await assert.rejects(running);
  await new Promise((resolve) => setTimeout(resolve, 50));
});
