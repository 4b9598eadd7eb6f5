import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventuallyPasses } from "#test/support/eventually.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed, field } from "./crash-bed.ts";
import { demandNothingLeft, readSystemState } from "./system-state.ts";

/** Docker's word for an end by SIGKILL. */
const killed = 137;

const containers = {
  exits7: { Cmd: ["sh", "-c", "while [ ! -e /tmp/go ]; do sleep 0.02; done; echo last words; exit 7"] },
  eats: {
    Cmd: ["sh", "-c", "while [ ! -e /tmp/go ]; do sleep 0.02; done; exec tail /dev/zero"],
    HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 },
  },
  shot: { Cmd: ["sleep", "1000"] },
  logs: { Cmd: ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"], Tty: true },
  orphaned: { Cmd: ["sleep", "1000"] },
  healthy: {
    Cmd: ["sleep", "1000"],
    Healthcheck: { Test: ["CMD-SHELL", "echo checked"], Interval: 200_000_000, Timeout: 2_000_000_000, Retries: 3 },
  },
} as const;

/** How long the daemon is down after the last of them ended. */
const downMs = 3_000;

test("what happens while the daemon is down is known when it is up again", async (t) => {
  if (!requireRoot(t)) return;
  await using images = await openTestImages();
  await using bed = await CrashBed.create({ first: images.small, second: images.layered });
  await bed.start();
  await bed.pull(bed.image);
  for (const [name, body] of Object.entries(containers)) {
    await bed.call("POST", `/containers/create?name=${name}`, { Image: bed.image, ...body });
    await bed.call("POST", `/containers/${name}/start`);
  }
  const monitor = await monitorOf(bed, String(field(await inspect(bed, "orphaned"), "Id")));
  const pids = new Map<string, number>();
  for (const name of Object.keys(containers)) pids.set(name, await pidOf(bed, name));
  await bed.kill();

  const ended = new Map<string, number>();
  const watched = ["exits7", "eats", "shot"].map(async (name) => ended.set(name, await endOf(pids.get(name))));
  for (const name of ["exits7", "eats"]) await touchIn(pids.get(name));
  process.kill(pids.get("shot") ?? 0, "SIGKILL");
  process.kill(monitor, "SIGKILL");
  await Promise.all(watched);
  // Long enough to tell the end from the daemon's return.
  await sleep(downMs);
  await bed.start();

  await t.test("codes, times and the out-of-memory flag", async () => {
    for (const [name, code] of [
      ["exits7", 7],
      ["eats", killed],
      ["shot", killed],
    ] as const) {
      const state = field(await inspect(bed, name), "State");
      const facts = [field(state, "Status"), field(state, "ExitCode"), field(state, "OOMKilled")];
      assert.deepEqual(facts, ["exited", code, name === "eats"], name);
      const late = Date.parse(String(field(state, "FinishedAt"))) - (ended.get(name) ?? 0);
      assert.ok(Math.abs(late) < downMs, `${name}: its end is ${late} ms off`);
    }
    assert.match(await bed.logs("exits7"), /last words/);
  });
  await t.test("a container whose monitor was killed is ended, not left to itself", async () => {
    const state = field(await inspect(bed, "orphaned"), "State");
    assert.deepEqual([field(state, "Status"), field(state, "ExitCode")], ["exited", killed]);
    await endOf(pids.get("orphaned"));
  });
  await t.test("a log goes on without a gap, and attach works", async () => {
    assert.equal(await pidOf(bed, "logs"), pids.get("logs"));
    const lines = [...(await bed.logs("logs")).matchAll(/(\d+)\r?\n/g)].map((match) => Number(match[1]));
    assert.deepEqual(
      lines,
      lines.map((_line, index) => index),
    );
    await attachUntil(bed, "logs", (line) => line > (lines.at(-1) ?? 0));
  });
  await t.test("health checks go on", async () => {
    const before = await lastCheck(bed);
    await eventuallyPasses(async () => assert.notDeepEqual(await lastCheck(bed), before));
    assert.equal(field(await inspect(bed, "healthy"), "State", "Health", "Status"), "healthy");
  });
  await t.test("nothing is left over", async () => {
    for (const name of Object.keys(containers)) await bed.call("DELETE", `/containers/${name}?force=1&v=1`);
    await eventuallyPasses(async () => demandNothingLeft(await readSystemState(bed)));
  });
});

async function inspect(bed: CrashBed, name: string): Promise<unknown> {
  return await bed.call("GET", `/containers/${name}/json`);
}

async function pidOf(bed: CrashBed, name: string): Promise<number> {
  return Number(field(await inspect(bed, name), "State", "Pid"));
}

async function lastCheck(bed: CrashBed): Promise<unknown> {
  const log = field(await inspect(bed, "healthy"), "State", "Health", "Log");
  return Array.isArray(log) ? field(log.at(-1), "Start") : undefined;
}

async function monitorOf(bed: CrashBed, id: string): Promise<number> {
  return Number(await readFile(join(bed.state, "containers/moby", id, "monitor.pid"), "utf8"));
}

/** Lets a container that waits for `/tmp/go` go on. */
async function touchIn(pid: number | undefined): Promise<void> {
  await writeFile(`/proc/${pid}/root/tmp/go`, "");
}

/** Waits for the end of a process; answers when it was seen, in ms. */
async function endOf(pid: number | undefined): Promise<number> {
  for (let tries = 0; tries < 12_000; tries++) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat === "" || stat.includes(") Z ")) return Date.now();
    await sleep(5);
  }
  throw new Error(`process ${pid}: still there after a minute`);
}

/** Attaches until a number comes that is wanted. @throws AssertionError when none comes */
async function attachUntil(bed: CrashBed, name: string, isWanted: (number: number) => boolean): Promise<void> {
  const socket = connect(join(bed.directory, "docker.sock"));
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => {});
  socket.write(
    `POST /v1.41/containers/${name}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
  );
  try {
    await eventuallyPasses(async () => {
      const numbers = text.slice(text.indexOf("\r\n\r\n")).matchAll(/(\d+)\r?\n/g);
      assert.ok(
        [...numbers].some((match) => isWanted(Number(match[1]))),
        `no new line came: ${text.slice(-200)}`,
      );
    });
  } finally {
    socket.destroy();
  }
}
