import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, eventuallyEqual } from "#test/support/eventually.ts";
import { FerryBed, runToEnd } from "#test/support/ferry-bed.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";

function able(t: TestContext, ...tools: string[]): boolean {
  return requireRoot(t) && requireBinary(t, "conmon", ...tools);
}

const ferryd = (ferry: FerryBed, ...words: string[]) => [
  join(ferry.bin, "ferryd"),
  "--config",
  ferry.configPath,
  ...words,
];

test("a second daemon on the same root refuses and names the first one", async (t) => {
  if (!able(t)) return;
  await using ferry = await FerryBed.open();
  const { code, stderr } = await runToEnd(ferryd(ferry));
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^ferryd: .*${ferry.root}.* in use by ferryd with pid ${ferry.pid}\\b.*\n$`));
  assert.equal(await ferry.run("ps", "-q"), "", "the first one is none the worse");
});

test("SIGTERM leaves containers running, and the next daemon knows them", async (t) => {
  if (!able(t, "docker-registry", "skopeo", "umoci")) return;
  await using images = await openTestImages();
  await using ferry = await FerryBed.open();
  await ferry.run("pull", "-q", images.small);
  const script = "while :; do echo tick; sleep 0.1; done";
  await ferry.run("run", "-d", "--name", "on", images.small, "sh", "-c", script);
  await ferry.run("run", "-d", "--name", "ends", images.small, "sh", "-c", "sleep 1; exit 9");
  const pid = await ferry.run("inspect", "-f", "{{.State.Pid}}", "on");
  const ticks = async () => (await ferry.run("logs", "on")).split("\n").length;
  const before = await ticks();
  const log = await ferry.run("inspect", "-f", "{{.LogPath}}", "on");
  const ends = await ferry.run("inspect", "-f", "{{.State.Pid}}", "ends");
  await ferry.stop();
  assert.ok(process.kill(Number(pid), 0), "its process lives without a daemon");
  const lines = async () => (await readFile(log, "utf8")).split("\n").length;
  await eventually("its log is written meanwhile", async () => (await lines()) > before + 5);
  await eventually("the other has ended", () => ends === "0" || !existsSync(`/proc/${ends}`));
  await ferry.start();
  assert.equal(await ferry.run("inspect", "-f", "{{.State.Pid}}", "on"), pid);
  assert.ok((await ticks()) > before + 5);
  const state = async () => await ferry.run("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "ends");
  await eventuallyEqual(state, "exited 9");
  await ferry.run("rm", "-f", "on", "ends");
});

test("configuration: the default reads back as itself, the effective one says what holds, unknown keys are warned of", async (t) => {
  if (!able(t)) return;
  await using ferry = await FerryBed.open({ config: "[log]\nmax_bytes = 7\nmax_byte = 8\n[nonsense]\nx = 1" });
  const said = (await runToEnd([join(ferry.bin, "ferryd"), "config", "default"])).stdout;
  const effective = (await runToEnd(ferryd(ferry, "config", "effective"))).stdout;
  assert.match(effective, /^max_bytes = 7$/m);
  assert.match(effective, new RegExp(`^root = "${ferry.root}"$`, "m"));
  const keys = (text: string) => text.split("\n").flatMap((line) => /^(?:\[.*\]|\w+(?= =))/.exec(line) ?? []);
  assert.deepEqual(keys(effective), keys(said));
  const log = await ferry.log();
  for (const key of ["log.max_byte", "nonsense"]) assert.match(log, new RegExp(`"level":"warn".*${key}`));
  await appendFile(ferry.configPath, "this is no toml\n");
  const broken = await runToEnd(ferryd(ferry, "config", "effective"));
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, new RegExp(`^ferryd: .*${ferry.configPath}.*\n$`));
});

test("systemd is told that the daemon is ready, and that it stops", async (t) => {
  if (!able(t, "socat")) return;
  await using ferry = await FerryBed.open();
  await ferry.stop();
  const path = join(ferry.directory, "notify");
  // Node has no datagram sockets of Unix: socat stands for systemd.
  const listener = spawn("socat", ["-u", `UNIX-RECV:${path}`, "STDOUT"], { stdio: ["ignore", "pipe", "ignore"] });
  let told = "";
  listener.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
  await eventually("socat listens", () => existsSync(path));
  await ferry.start({ NOTIFY_SOCKET: path });
  await ferry.stop();
  await eventuallyEqual(() => told, "READY=1STOPPING=1");
  const ended = once(listener, "exit");
  listener.kill();
  await ended;
});
