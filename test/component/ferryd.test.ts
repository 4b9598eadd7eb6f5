import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { suite } from "node:test";
import { promisify } from "node:util";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { unmountBelow } from "#test/support/processes.ts";

const isRoot = process.getuid?.() === 0;
const ferryd = join(import.meta.dirname, "../../bin/ferryd");
const run = promisify(execFile);

suite("ferryd, the command", { skip: isRoot ? false : "needs root" }, () => {
  test("one daemon has a root, and a killed one leaves no lock", async () => {
    await using directory = await temporaryDirectory("ferryd");
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => await unmountBelow(directory.path));
    const options = ["--root", join(directory.path, "root"), "--state", join(directory.path, "state")];
    const first = undo.adopt(await start(options), end);
    await assert.rejects(run(ferryd, options), new RegExp(`in use by ferryd with pid ${first.pid}`));
    first.kill("SIGKILL");
    await once(first, "exit");
    const second = undo.adopt(await start(options), end);
    second.kill("SIGTERM");
    assert.deepEqual(await once(second, "exit"), [0, null]);
  });

  test("bad arguments and files are one line and nothing else", async () => {
    await assert.rejects(run(ferryd, ["--nonsense"]), /^Error: [^\n]*\nferryd: [^\n]*nonsense[^\n]*\n$/);
    await assert.rejects(run(ferryd, ["--config", "/nonexistent"]), /ferryd: config \/nonexistent: cannot be read\n$/);
    assert.match((await run(ferryd, ["config", "default"])).stdout, /^version = 1\n/);
  });
});

/** Started and ready: it has said so in its log. */
async function start(options: readonly string[]): Promise<ChildProcess> {
  const child = spawn(ferryd, options, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const chunk of child.stdout) if (String(chunk).includes('"ready"')) break;
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
