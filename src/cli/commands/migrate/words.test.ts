import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const ferry = new URL("../../../../bin/ferry", import.meta.url).pathname;

function errorOf(...words: string[]): string {
  const { status, stderr } = spawnSync(ferry, words, { encoding: "utf8", timeout: 300_000 });
  assert.notEqual(status, 0, words.join(" "));
  return stderr;
}

test("a format that there is not is refused with those that there are", async () => {
  await using directory = await temporaryDirectory("words");
  const root = ["--root", directory.path];
  const commands = [
    ["doctor", ...root],
    ["convert", ...root],
    ["status", "--state", directory.path],
    ["logs", "settings"],
  ];
  for (const words of commands) {
    assert.match(
      errorOf("migrate", ...words, "--format", "yaml"),
      /unknown format yaml\n {2}one of: (table|text), json/,
    );
  }
  assert.match(errorOf("explain", "--format", "yaml", "docker ps"), /unknown format yaml/);
});

test("a file that is not there is named as such", () => {
  for (const words of [
    ["migrate", "logs", "check", "/none"],
    ["migrate", "verify", "n1", "--before", "/none"],
    ["explain", "--script", "/none"],
    ["migrate", "logs", "--to", "json-file", "--attrs", "/none"],
  ]) {
    assert.equal(errorOf(...words), "ferry: /none: no such file or directory\n", words.join(" "));
  }
});

test("a cluster is not looked at without a pause", () => {
  assert.match(errorOf("migrate", "cluster", "--interval", "0s"), /"0s" for --interval: too short/);
});
