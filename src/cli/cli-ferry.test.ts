import { existsSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { startDaemon, unmountBelow } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { cliContract } from "./cli.contract.ts";

const ferryd = new URL("../../bin/ferryd", import.meta.url).pathname;

test("the command line against ferryd", { timeout: 600_000 }, async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "conmon", "script", "busybox")) return;
  await using directory = await temporaryDirectory("cli-ferryd");
  const at = (name: string) => join(directory.path, name);
  await writeFile(at("config.toml"), `version = 1\n[docker]\nsocket = ${JSON.stringify(at("docker.sock"))}\n`);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => await unmountBelow(directory.path));
  const words = ["--config", at("config.toml"), "--root", at("root"), "--state", at("state")];
  const isReady = async () => existsSync(at("docker.sock"));
  undo.use(await startDaemon([ferryd, ...words], isReady, { log: openSync(at("log"), "w") }));
  await cliContract(t, `unix://${at("docker.sock")}`);
});
