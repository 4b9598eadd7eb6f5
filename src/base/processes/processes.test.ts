import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import test from "node:test";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { runProcess } from "./run-process.ts";
import { startProcess } from "./start-process.ts";

const signal = new AbortController().signal;
const sh = (script: string, more: { input?: string; cwd?: string; signal?: AbortSignal } = {}) =>
  runProcess({ path: "/bin/sh", args: ["-c", script], env: { PATH: "/usr/bin:/bin", X: "y z" }, signal, ...more });

test("a program has its arguments, environment, directory and input, and its output comes back", async () => {
  const ended = await sh('read line; echo "$line $X $(pwd)"; echo oops >&2; exit 7', { input: "in\n", cwd: "/usr" });
  assert.deepEqual(ended, { code: 7, signal: 0, stdout: "in y z /usr\n", stderr: "oops\n" });
});

test("signals are as a new program expects them, and no descriptor is inherited", async () => {
  const { stdout } = await sh("grep -E '^Sig(Blk|Ign)' /proc/self/status; ls -l /proc/self/fd | grep -c memfd");
  assert.equal(stdout, `SigBlk:\t${"0".repeat(16)}\nSigIgn:\t${"0".repeat(16)}\n2\n`);
});

test("an abort kills it; one that it leaves behind with its output open holds nobody up", async () => {
  const aborted = new AbortController();
  setTimeout(() => aborted.abort(), 50);
  const killed = await sh("exec sleep 20", { signal: aborted.signal });
  assert.deepEqual({ code: killed.code, signal: killed.signal }, { code: 137, signal: 9 });
  const left = await sh("sleep 0.3 & echo done");
  assert.equal(left.stdout, "done\n");
});

test("what cannot be started says why", async () => {
  const missing = runProcess({ path: "/no/such", args: [], env: {}, signal });
  await assert.rejects(missing, { code: "ENOENT", message: "spawn /no/such ENOENT" });
  await assert.rejects(runProcess({ path: "/etc/passwd", args: [], env: {}, signal }), { code: "EACCES" });
});

test("many at once beside Node's own: each exit comes to whom it belongs, no descriptor is left", async () => {
  await sh("true");
  const before = (await readdir("/proc/self/fd")).length;
  const ours = Array.from({ length: 20 }, (_, code) => sh(`exit ${code}`));
  const nodes = Array.from({ length: 5 }, (_, code) =>
    once(spawn("/bin/sh", ["-c", `exit ${code + 40}`], { stdio: "ignore" }), "close"),
  );
  assert.deepEqual(
    (await Promise.all(ours)).map(({ code }) => code),
    Array.from({ length: 20 }, (_, code) => code),
  );
  assert.deepEqual(
    (await Promise.all(nodes)).map(([code]) => Number(code)),
    [40, 41, 42, 43, 44],
  );
  await eventuallyEqual(async () => (await readdir("/proc/self/fd")).length <= before, true);
});

test("descriptors come at the numbers asked for", async () => {
  const child = await startProcess({
    path: "/bin/sh",
    args: ["-c", "echo x >&3"],
    env: {},
    fds: ["null", "null", "null", "null"],
  });
  assert.deepEqual(await child.exited, { code: 0, signal: 0 });
  child.kill("SIGKILL");
});
