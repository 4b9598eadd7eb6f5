import assert from "node:assert/strict";
import { chmod, copyFile, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { runProcess } from "./run-process.ts";
import { sealedProgram } from "./sealed-program.ts";

async function outputOf(path: string): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  return (await runProcess({ path, args: ["--version"], env: {}, signal })).stdout;
}

test("a program's copy does what the program does, and nobody can change it", async () => {
  await using directory = await temporaryDirectory("sealed-program");
  const path = join(directory.path, "program");
  await copyFile("/bin/cat", path);
  const sealed = await sealedProgram(path);
  assert.notEqual(sealed, path);
  assert.match(await outputOf(sealed), /^cat /);
  await using file = await open(sealed, "r+");
  await assert.rejects(file.write("x"), { code: "EPERM" });
  await assert.rejects(file.truncate(0), { code: "EPERM" });
  assert.equal(await sealedProgram(path), sealed);
});

test("a program that was replaced is copied anew", async () => {
  await using directory = await temporaryDirectory("sealed-program");
  const [path, next] = [join(directory.path, "program"), join(directory.path, "next")];
  await copyFile("/bin/cat", path);
  const before = await sealedProgram(path);
  await copyFile("/bin/ls", next);
  await rename(next, path);
  const after = await sealedProgram(path);
  assert.notEqual(after, before);
  assert.match(await outputOf(after), /^ls /);
  // For those who were told of it a moment ago.
  assert.match(await outputOf(before), /^cat /);
});

test("what cannot be copied, or does not run as a copy, is left as it is", async () => {
  await using directory = await temporaryDirectory("sealed-program");
  const [missing, failing] = [join(directory.path, "missing"), join(directory.path, "failing")];
  await writeFile(failing, "#!/bin/sh\nexit 7\n");
  await chmod(failing, 0o755);
  assert.equal(await sealedProgram(missing), missing);
  assert.equal(await sealedProgram(failing), failing);
});
