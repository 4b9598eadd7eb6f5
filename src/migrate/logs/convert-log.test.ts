import assert from "node:assert/strict";
import test from "node:test";
import { AttrsRecorder, attrsOf } from "./attrs-file.ts";
import { convertLog, noLines } from "./convert-log.ts";
import { criToJsonFile } from "./cri-to-json-file.ts";
import { jsonFileToCri } from "./json-file-to-cri.ts";
import { chunkBytes, type LineConverter } from "./line-format.ts";

/** Cut at awkward places, as reads from a file are. */
async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function convert(text: string | Buffer, converter: LineConverter, size = 1000) {
  const counts = noLines();
  const parts: Buffer[] = [];
  for await (const part of convertLog(pieces(Buffer.from(text), size), converter, counts)) parts.push(part);
  return { output: Buffer.concat(parts), counts };
}

const toCri = () => jsonFileToCri(() => {});
const toJson = () => criToJsonFile(() => undefined);
const time = "2026-01-02T03:04:05.678901234Z";

const pairs: Record<string, { json: string; cri: string }> = {
  "a line": { json: `{"log":"ready\\n","stream":"stdout","time":"${time}"}`, cri: `${time} stdout F ready` },
  "an empty line": { json: `{"log":"\\n","stream":"stderr","time":"${time}"}`, cri: `${time} stderr F ` },
  "a part of a line": { json: `{"log":"half","stream":"stdout","time":"${time}"}`, cri: `${time} stdout P half` },
  "quotes and backslashes": {
    json: `{"log":"{\\"a\\":\\"b\\\\n\\"}\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout F {"a":"b\\n"}`,
  },
  "a part that ends in a backslash and an n": {
    json: `{"log":"dir\\\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout P dir\\n`,
  },
  "what HTML would read": {
    json: `{"log":"\\u003ca\\u003e \\u0026\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout F <a> &`,
  },
  "control characters": {
    json: `{"log":"\\u001b[31m\\u0009x\\r\\u0000\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout F \u001b[31m\tx\r\0`,
  },
  "characters beyond ASCII": {
    json: `{"log":"grün 漢字 😀 \\u2028\\u2029\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout F grün 漢字 😀 \u2028\u2029`,
  },
  "bytes that were no UTF-8": {
    json: `{"log":"\\ufffdx\\ufffd\\n","stream":"stdout","time":"${time}"}`,
    cri: `${time} stdout F \ufffdx\ufffd`,
  },
  "a time without fraction": {
    json: `{"log":"x\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}`,
    cri: "2026-01-02T03:04:05Z stdout F x",
  },
};

for (const [about, { json, cri }] of Object.entries(pairs)) {
  test(`${about}: to CRI, and back to the byte`, async () => {
    for (const size of [1, 7, 1000]) {
      assert.equal((await convert(`${json}\n`, toCri(), size)).output.toString(), `${cri}\n`);
      assert.equal((await convert(`${cri}\n`, toJson(), size)).output.toString(), `${json}\n`);
    }
  });
}

test("100,000 json-file lines are equal to the byte after CRI and back", async () => {
  const texts = Object.values(pairs).map(({ json }) => json);
  const long = `{"log":"${"x".repeat(chunkBytes)}","stream":"stdout","time":"${time}"}`;
  const lines = Array.from({ length: 100_000 }, (_, at) =>
    at % 5000 === 0
      ? long
      : (texts[at % texts.length] ?? "").replace("03:04:05", `03:04:${String(at % 60).padStart(2, "0")}`),
  );
  const input = Buffer.from(`${lines.join("\n")}\n`);
  const cri = await convert(input, toCri(), 65_536);
  const back = await convert(cri.output, toJson(), 65_536);
  assert.ok(back.output.equals(input));
  assert.deepEqual([cri.counts.lines, cri.counts.malformed, back.counts.malformed], [100_000, 0, 0]);
});

test("attrs are kept beside the log and come back to the byte", async () => {
  const line = (attrs: string) => `{"log":"x\\n","stream":"stdout"${attrs},"time":"${time}"}\n`;
  const input = [line(""), line(',"attrs":{"app":"a\\u0026b"}'), line(',"attrs":{"app":"a\\u0026b"}'), line("")].join(
    "",
  );
  const recorder = new AttrsRecorder();
  const cri = await convert(input, jsonFileToCri(recorder.note));
  assert.equal(cri.output.toString(), `${time} stdout F x\n`.repeat(4));
  assert.equal(recorder.toString(), '{"from":2,"attrs":{"app":"a\\u0026b"}}\n{"from":4,"attrs":null}\n');
  const back = await convert(cri.output, criToJsonFile(attrsOf(recorder.toString())));
  assert.equal(back.output.toString(), input);
});

test("times with an offset become UTC with all their digits", async () => {
  const cri = "2026-01-02T05:04:05.678901234+02:00 stdout F x\n";
  assert.equal((await convert(cri, toJson())).output.toString(), `{"log":"x\\n","stream":"stdout","time":"${time}"}\n`);
  const json = `{"log":"x\\n","stream":"stdout","time":"2025-12-31T22:30:00.5-03:30"}\n`;
  assert.equal((await convert(json, toCri())).output.toString(), "2026-01-01T02:00:00.5Z stdout F x\n");
});

test("bytes that are no UTF-8 become replacement characters, each", async () => {
  const head = Buffer.from(`${time} stdout F `);
  const bad = Buffer.from([0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xe2, 0x82, 0x0a]);
  const { output } = await convert(Buffer.concat([head, bad]), toJson());
  const { log } = JSON.parse(output.toString()) as { log: string };
  assert.equal(log, `${"\ufffd".repeat(8)}\n`);
});

test("a line longer than any of Docker's is cut into its pieces, and joins to the same text", async () => {
  const text = "ü".repeat(40_000);
  const { output, counts } = await convert(`${time} stdout F ${text}\n`, toJson());
  const logs = output
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { log: string }).log);
  assert.equal(counts.lines, 1);
  assert.deepEqual(
    logs.map((log) => Buffer.byteLength(log) <= chunkBytes),
    logs.map(() => true),
  );
  assert.equal(logs.join(""), `${text}\n`);
  const cri = await convert(JSON.stringify({ log: `${text}\n`, stream: "stdout", time }), toCri());
  const tags = cri.output
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[2]);
  assert.deepEqual(tags, ["P", "P", "P", "P", "F"]);
});

test("a record with several lines in it becomes as many", async () => {
  const { output } = await convert(JSON.stringify({ time, stream: "stderr", log: "a\nb\nc" }), toCri());
  assert.equal(output.toString(), `${time} stderr F a\n${time} stderr F b\n${time} stderr P c\n`);
});

test("lines of another format are left out, counted and named", async () => {
  const good = pairs["a line"]?.json ?? "";
  const bad = [
    "",
    "\0\0\0",
    '{"log":"x',
    "[]",
    `{"log":"x","stream":"stdin","time":"${time}"}`,
    '{"log":"x","stream":"stdout","time":"yesterday"}',
  ];
  const { output, counts } = await convert([good, ...bad, good].join("\n"), toCri());
  assert.equal(output.toString(), `${pairs["a line"]?.cri}\n`.repeat(2));
  assert.deepEqual([counts.lines, counts.malformed, counts.malformedLines], [2, 6, [2, 3, 4, 5, 6]]);
  const cri = await convert(`${time} stdout\n${time} stdin F x\nnot a time stdout F x\n${time} stdout X y\n`, toJson());
  assert.deepEqual([cri.counts.lines, cri.counts.malformed, cri.output.length], [0, 4, 0]);
});
