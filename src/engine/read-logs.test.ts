import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { formatRfc3339 } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import { readLogs, type LogRequest } from "./read-logs.ts";

const call: Call = { signal: AbortSignal.timeout(600_000), log: silentLogger, namespace: parseNamespace("logs") };

const secondNs = 1_000_000_000n;

function entry(second: number, text: string, tag = "F", stream = "stdout"): string {
  return `${formatRfc3339(BigInt(second) * secondNs + 5n).replace("Z", "+00:00")} ${stream} ${tag} ${text}\n`;
}

async function inDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "ferry-logs-"));
  try {
    await body(join(directory, "x.log"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function textsOf(request: Partial<LogRequest> & { path: string }): Promise<string[]> {
  const texts: string[] = [];
  const whole = { stdout: true, stderr: true, follow: false, ...request };
  for await (const { line } of readLogs(call, whole)) texts.push(Buffer.from(line).toString());
  return texts;
}

test("pieces of a line are joined per stream, and an unended line comes last without a newline", async () => {
  await inDirectory(async (path) => {
    const log = [
      entry(1, "a", "P"),
      entry(2, "err", "F", "stderr"),
      entry(3, "b", "P"),
      entry(4, "c"),
      entry(5, "end", "P"),
    ];
    await writeFile(path, log.join(""));
    assert.deepEqual(await textsOf({ path }), ["err\n", "abc\n", "end"]);
    assert.deepEqual(await textsOf({ path, stderr: false }), ["abc\n", "end"]);
  });
});

test("bytes that are no text come back as they were", async () => {
  await inDirectory(async (path) => {
    const bytes = Buffer.from([0xff, 0x00, 0x20, 0xfe]);
    await writeFile(path, Buffer.concat([Buffer.from(entry(1, "").slice(0, -1)), bytes, Buffer.from("\n")]));
    for await (const { line } of readLogs(call, { path, stdout: true, stderr: true, follow: false }))
      assert.deepEqual([...line], [...bytes, 0x0a]);
  });
});

test("a line without end is handed on in bounded pieces", async () => {
  await inDirectory(async (path) => {
    const piece = "x".repeat(8192);
    await writeFile(path, Array.from({ length: 300 }, (_, at) => entry(at, piece, "P")).join(""));
    const texts = await textsOf({ path });
    assert.equal(texts.join("").length, 300 * 8192);
    assert.ok(texts.length >= 2 && texts.every((text) => text.length <= 1024 * 1024 + 8192));
  });
});

test("rotated files are read in their order, compressed ones too", async () => {
  await inDirectory(async (path) => {
    await writeFile(`${path}.9.gz`, gzipSync(entry(1, "1") + entry(2, "2", "P")));
    await writeFile(`${path}.10`, entry(3, "3") + entry(4, "4"));
    await writeFile(path, entry(5, "5"));
    assert.deepEqual(await textsOf({ path }), ["1\n", "23\n", "4\n", "5\n"]);
    assert.deepEqual(await textsOf({ path, tail: 2 }), ["4\n", "5\n"]);
    assert.deepEqual(await textsOf({ path, tail: 3 }), ["23\n", "4\n", "5\n"]);
    assert.deepEqual(await textsOf({ path, tail: 0 }), []);
  });
});

test("tail reads a big file from its end", async () => {
  await inDirectory(async (path) => {
    const count = 60_000;
    await writeFile(
      path,
      Array.from({ length: count }, (_, at) => entry(at, `line ${at} ${"y".repeat(at % 90)}`)).join(""),
    );
    for (const tail of [1, 10, 1000, count - 1, count, count + 5]) {
      const texts = await textsOf({ path, tail });
      assert.equal(texts.length, Math.min(tail, count));
      assert.match(texts[0] ?? "", new RegExp(`^line ${Math.max(0, count - tail)} `));
    }
  });
});

test("since and until cut by time", async () => {
  await inDirectory(async (path) => {
    await writeFile(path, [1, 2, 3, 4].map((second) => entry(second, String(second))).join(""));
    const texts = await textsOf({ path, sinceNs: 2n * secondNs, untilNs: 3n * secondNs + 10n });
    assert.deepEqual(texts, ["2\n", "3\n"]);
  });
});

test("a follower sees every line once over rotations and ends with the container", async () => {
  await inDirectory(async (path) => {
    const ended = Promise.withResolvers<void>();
    await writeFile(path, entry(0, "0"));
    const reading = textsOf({ path, follow: true, ended: ended.promise });
    const expected = ["0\n"];
    for (let at = 1; at <= 400; at++) {
      await appendFile(path, entry(at, String(at)));
      expected.push(`${at}\n`);
      if (at % 40 === 0) {
        await rename(path, `${path}.${at / 40}`);
        // As a monitor does: it writes on into the moved file until it has opened the new one.
        await appendFile(`${path}.${at / 40}`, entry(at, `${at}+`));
        expected.push(`${at}+\n`);
        await writeFile(`${path}.tmp`, "");
        await rename(`${path}.tmp`, path);
      }
      if (at % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
    }
    ended.resolve();
    assert.deepEqual(await reading, expected);
  });
});

test("a follower that starts before the log is there waits for it", async () => {
  await inDirectory(async (path) => {
    const ended = Promise.withResolvers<void>();
    const reading = textsOf({ path, follow: true, ended: ended.promise });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await writeFile(path, entry(1, "late"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    ended.resolve();
    assert.deepEqual(await reading, ["late\n"]);
  });
});

test("aborting ends a follow", async () => {
  await inDirectory(async (path) => {
    await writeFile(path, entry(1, "1"));
    const signal = AbortSignal.timeout(50);
    const never = Promise.withResolvers<void>().promise;
    const request = { path, stdout: true, stderr: true, follow: true, ended: never };
    await assert.rejects(
      async () => {
        for await (const _ of readLogs({ ...call, signal }, request));
      },
      { name: "TimeoutError" },
    );
  });
});

test("a container without a log has no lines", async () => {
  assert.deepEqual(await textsOf({ path: "/nonexistent/x.log" }), []);
});
