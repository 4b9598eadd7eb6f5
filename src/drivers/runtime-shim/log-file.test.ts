import assert from "node:assert/strict";
import { appendFile, readFile, readdir, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { formatCriLines } from "./cri-lines.ts";
import { LogFile, makeLog } from "./log-file.ts";

test("lines, long lines and a last one without an end, in CRI's format", () => {
  const maxLineBytes = 100;
  const head = "1970-01-01T00:00:00.000000001Z stdout";
  const format = (text: string, ended: boolean) => {
    const result = formatCriLines(Buffer.from(text), { stream: "stdout", atNs: 1n, ended, maxLineBytes });
    return [result.text.toString(), result.consumed];
  };
  assert.deepEqual(format("a\n\nb", false), [`${head} F a\n${head} F \n`, 3]);
  assert.deepEqual(format("a\nb", true), [`${head} F a\n${head} P b\n`, 3]);
  assert.deepEqual(format("", true), ["", 0]);
  const long = "x".repeat(maxLineBytes);
  assert.deepEqual(format(`${long}yz\n`, false), [`${head} P ${long}\n${head} F yz\n`, maxLineBytes + 3]);
  assert.deepEqual(format(`${long}\n`, false), [`${head} F ${long}\n`, maxLineBytes + 1]);
});

test("a path that no log can have is the caller's mistake", async () => {
  await using directory = await temporaryDirectory("log-file");
  await fails("invalidArgument", makeLog(join(directory.path, "x".repeat(5000))), /longer than a path may be/);
  await fails("notFound", makeLog(join(directory.path, "none", "log")), /its directory is not there/);
});

test("a daemon killed around an append loses no line and writes none twice", async () => {
  await using directory = await temporaryDirectory("log-file");
  const options = { path: join(directory.path, "log"), journalPath: join(directory.path, "journal") };
  const none = { stdout: 0, stderr: 0 };
  const [one, two] = [
    { stdout: 4, stderr: 0 },
    { stdout: 4, stderr: 9 },
  ];
  const next = () => new LogFile(options).recover();
  assert.deepEqual(await next(), none);
  const log = new LogFile(options);
  await log.append(Buffer.from("one\n"), none, one);
  assert.deepEqual(await next(), one);
  await log.append(Buffer.from("two\n"), one, two);
  await log.close();
  assert.deepEqual(await next(), two);
  // Killed halfway: the half goes, and is to be written again.
  await truncate(options.path, 6);
  assert.deepEqual(await next(), one);
  assert.equal(await readFile(options.path, "utf8"), "one\n");
  // Moved away and begun anew in between.
  await appendFile(options.path, "two\n");
  await rename(options.path, `${options.path}.1`);
  assert.deepEqual(await next(), two);
  await rm(`${options.path}.1`);
  assert.deepEqual(await next(), two);
});

test("a log that is too large is moved on, the newest kept", async () => {
  await using directory = await temporaryDirectory("log-file");
  const path = join(directory.path, "log");
  const log = new LogFile({ path, journalPath: join(directory.path, "journal"), maxBytes: 10, maxFiles: 3 });
  for (let at = 1; at <= 9; at++) {
    const offsets = { stdout: at, stderr: 0 };
    await log.append(Buffer.from(`line ${at}\n`), offsets, offsets);
  }
  await log.close();
  const files = (await readdir(directory.path)).filter((name) => name.startsWith("log")).sort();
  assert.deepEqual(files, ["log", "log.3", "log.4"]);
  const texts = await Promise.all(
    ["log.3", "log.4", "log"].map((name) => readFile(join(directory.path, name), "utf8")),
  );
  assert.equal(texts.join(""), "line 5\nline 6\nline 7\nline 8\nline 9\n");
});
