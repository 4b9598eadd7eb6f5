import assert from "node:assert/strict";
import test from "node:test";
import { Flags } from "../../flags.ts";
import type { Session } from "../../session.ts";
import { migrateImagesCommand } from "./images.ts";

test("with --from containerd, a flag or image that would go unheard is refused, before anything is shared", async () => {
  const run = async (more: Record<string, string[]>, args: string[]) =>
    await migrateImagesCommand.run({ namespace: undefined } as Session, {
      flags: new Flags(new Map(Object.entries({ from: ["containerd:/none"], to: ["containerd:/none"], ...more }))),
      args,
      name: "migrate images",
    });
  await assert.rejects(run({ "dry-run": ["true"] }, []), /--dry-run: not with --from containerd/);
  await assert.rejects(run({}, ["nginx"]), /nginx: not with --from containerd/);
});
