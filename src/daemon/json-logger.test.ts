import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Logger } from "#base/logger.ts";
import { openLogger } from "./json-logger.ts";

async function linesOf(level: string, use: (log: Logger) => void): Promise<Record<string, unknown>[]> {
  const directory = await mkdtemp(join(tmpdir(), "ferry-log-"));
  const path = join(directory, "log");
  const fd = openSync(path, "w");
  try {
    use(openLogger(level, fd));
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  } finally {
    closeSync(fd);
    await rm(directory, { recursive: true });
  }
}

test("writes one JSON object per line, with the fields of the logger and of the line", async () => {
  const [line, ...others] = await linesOf("info", (log) => {
    const child = log.child({ containerId: "c1", pid: undefined }).child({ rpc: 'a "quoted"\nname' });
    child.info({ durationMs: 4, kind: null, names: ["x"] }, "container started");
  });
  assert.deepEqual(others, []);
  const { time, ...rest } = line ?? {};
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: "info",
    containerId: "c1",
    rpc: 'a "quoted"\nname',
    durationMs: 4,
    kind: null,
    names: ["x"],
    message: "container started",
  });
});

test("writes no credentials, whoever hands them over", async () => {
  const lines = await linesOf("debug", (log) => {
    const url = "https://me:hunter2@registry.example/v2/";
    log
      .child({ from: url })
      .info({ error: `fetch ${url}: failed`, hosts: [url] }, "Authorization: Basic bWU6aHVudGVyMg==");
  });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(JSON.stringify(lines), /hunter2|bWU6/);
});

test("leaves out what is below its level, for children too", async () => {
  const lines = await linesOf("warn", (log) => {
    for (const it of [log, log.child({ n: 1 })]) {
      it.debug({}, "d");
      it.info({}, "i");
      it.warn({}, "w");
      it.error({}, "e");
    }
  });
  assert.deepEqual(
    lines.map(({ level, n }) => [level, n]),
    [
      ["warn", undefined],
      ["error", undefined],
      ["warn", 1],
      ["error", 1],
    ],
  );
});

test("a reader that does not read loses lines and stops nothing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferry-log-"));
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const log = openLogger("info", fd);
    // A pipe holds 64 KiB.
    for (let count = 0; count < 100; count++) log.info({ text: "x".repeat(1024) }, "line");
  } finally {
    closeSync(fd);
    await rm(directory, { recursive: true });
  }
});

test("a log that cannot be written is an error", () => {
  const fd = openSync("/dev/null", "r");
  try {
    assert.throws(() => openLogger("info", fd).info({}, "x"), { code: "EBADF" });
  } finally {
    closeSync(fd);
  }
});
