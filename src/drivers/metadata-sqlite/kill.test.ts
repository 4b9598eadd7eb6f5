import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { killAfter } from "#test/support/kill-after.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { SqliteMetadata } from "./sqlite-metadata.ts";

test("kill -9 between and in transactions: every change that was done is there, the file is whole", async () => {
  await using directory = await temporaryDirectory("metadata-kill");
  const path = join(directory.path, "meta.db");
  const expected = new Map<string, string>();
  for (let round = 0; round < 6; round++) {
    const seed = `${round}a`;
    const lines = await killAfter(join(import.meta.dirname, "kill.fixture.ts"), [path, seed], {
      lines: 5 + round * 40,
      delayMs: round * 2,
    });
    for (const line of lines) {
      const [what, name = ""] = line.split(" ");
      if (what === "delete") expected.delete(name);
      else expected.set(name, what === "rename" ? `${name}-renamed` : name);
    }
    using metadata = SqliteMetadata.open(path);
    const found = new Map(
      (await metadata.containers.list(testCall())).map(({ name }) => [name.split("-")[0] ?? "", name]),
    );
    // The change after the last one that was said may have been done.
    const last = lines.at(-1)?.split(" ")[1] ?? "";
    const next = [...found.keys()].filter((name) => !expected.has(name));
    for (const name of [last, ...next.slice(0, 1)]) copy(found, expected, name);
    assert.deepEqual(found, expected);
    assert.deepEqual(check(path), "ok");
  }
});

function copy(from: Map<string, string>, to: Map<string, string>, name: string): void {
  const value = from.get(name);
  if (value === undefined) to.delete(name);
  else to.set(name, value);
}

function check(path: string): unknown {
  const sqlite = new DatabaseSync(path, { readOnly: true });
  try {
    return sqlite.prepare("PRAGMA integrity_check").get()?.["integrity_check"];
  } finally {
    sqlite.close();
  }
}
