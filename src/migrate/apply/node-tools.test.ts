import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { Commands } from "./commands.ts";
import { restorePackages } from "./packages.ts";

const call = { signal: new AbortController().signal };

test("rpm's keys, which stand in its list, are neither put back nor removed", async () => {
  await using directory = await temporaryDirectory("packages");
  const tool = async (name: string, script: string) =>
    await writeFile(join(directory.path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await tool("rpm", String.raw`printf 'gpg-pubkey\t9db62fb1-59920156\nconmon\t2.1-1\nbash\t5-1\n'`);
  await tool("dnf", `echo "$@" >>${directory.path}/asked`);
  const commands = new Commands({ PATH: `${directory.path}:${process.env["PATH"] ?? ""}` });
  const versions = new Map([["bash", "5-1"]]);
  await restorePackages(call, commands, { manager: "dnf", versions });
  const asked = await commands.run(call, ["cat", join(directory.path, "asked")]);
  assert.equal(asked, "--assumeyes --noautoremove remove conmon\n");
});

test("a tool that a signal ended is told with the signal's name", async () => {
  const commands = new Commands(process.env);
  await fails("internal", commands.run(call, ["sh", "-c", "kill -9 $$"]), "sh -c kill -9 $$: ended by SIGKILL");
});
