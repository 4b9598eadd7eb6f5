import assert from "node:assert/strict";
import test from "node:test";
import { constants, deflateSync } from "node:zlib";
import type { SpdyFrame } from "./frame.ts";
import { SpdyFrameReader } from "./frame-reader.ts";
import { encodeDataHead, SpdyFrameWriter } from "./frame-writer.ts";
import { encodeHeaders } from "./header-block.ts";
import { headerDictionary, headerDictionaryId } from "./header-dictionary.ts";

/** As Go's client (moby/spdystream) sent it: the first stream of a session, `streamType: error`. */
const capturedSynStream =
  "80030001000000290000000100000000000078f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff";

function readAll(...chunks: Buffer[]): SpdyFrame[] {
  const reader = new SpdyFrameReader();
  return chunks.flatMap((chunk) => Array.from(reader.read(chunk)));
}

test("the dictionary is the one the specification names", () => {
  assert.equal(headerDictionary.length, 1423);
  assert.equal(adler32(headerDictionary), headerDictionaryId);
});

test("a stream that Go's client asked for", () => {
  const expected = { t: "synStream", streamId: 1, fin: false, headers: new Map([["streamtype", "error"]]) };
  assert.deepEqual(readAll(Buffer.from(capturedSynStream, "hex")), [expected]);
});

test("header blocks are one zlib stream, whatever compressor wrote it", () => {
  const writer = new SpdyFrameWriter();
  const first = new Map([
    ["streamtype", "data"],
    ["port", "8080"],
    ["requestid", "0"],
  ]);
  const second = new Map([...first, ["requestid", "1"]]);
  const frames = [1, 3].map((streamId) => ({
    t: "synStream" as const,
    streamId,
    fin: streamId === 3,
    headers: streamId === 1 ? first : second,
  }));
  assert.deepEqual(readAll(...frames.map((frame) => writer.encode(frame))), frames);

  const blocks = compressTogether([first, second]);
  const bytes = blocks.map((block, index) =>
    controlFrame(1, [1 + index * 2, 0], Buffer.concat([Buffer.alloc(2), block])),
  );
  assert.deepEqual(
    readAll(...bytes).map((frame) => ("headers" in frame ? frame.headers : frame.t)),
    [first, second],
  );
});

test("what is written is read back, in pieces of any size", () => {
  const frames: Exclude<SpdyFrame, { t: "data" }>[] = [
    { t: "synStream", streamId: 1, fin: true, headers: new Map([["a", "b\0c"]]) },
    { t: "synReply", streamId: 1, fin: false, headers: new Map() },
    { t: "headers", streamId: 2, fin: true, headers: new Map([["x", "ü"]]) },
    { t: "rstStream", streamId: 7, status: 5 },
    { t: "settings", settings: [{ settingId: 7, value: 65536 }] },
    { t: "ping", pingId: 9 },
    { t: "goAway", lastGoodStreamId: 3, status: 1 },
    { t: "windowUpdate", streamId: 0, deltaBytes: 1000 },
  ];
  const writer = new SpdyFrameWriter();
  const bytes = Buffer.concat(frames.map((frame) => writer.encode(frame)));
  assert.deepEqual(readAll(bytes), frames);
  assert.deepEqual(readAll(...[...bytes].map((byte) => Buffer.from([byte]))), frames);
});

test("bytes of frames, by the specification", () => {
  const writer = new SpdyFrameWriter();
  const table: [Exclude<SpdyFrame, { t: "data" }>, string][] = [
    [{ t: "rstStream", streamId: 1, status: 3 }, "80030003 00000008 00000001 00000003"],
    [{ t: "settings", settings: [{ settingId: 7, value: 1 }] }, "80030004 0000000c 00000001 00000007 00000001"],
    [{ t: "ping", pingId: 1 }, "80030006 00000004 00000001"],
    [{ t: "goAway", lastGoodStreamId: 5, status: 0 }, "80030007 00000008 00000005 00000000"],
    [{ t: "windowUpdate", streamId: 1, deltaBytes: 65536 }, "80030009 00000008 00000001 00010000"],
    [
      { t: "synReply", streamId: 1, fin: true, headers: new Map() },
      // zlib's head with the dictionary's name, four stored bytes (no headers), a flush.
      "80030002 01000018 00000001 7820e3c6a7c2 000400fbff 00000000 000000ffff",
    ],
  ];
  for (const [frame, hex] of table)
    assert.equal(writer.encode(frame).toString("hex"), hex.replaceAll(" ", ""), frame.t);
  assert.equal(encodeDataHead(3, 5, true).toString("hex"), "0000000301000005");
});

test("data is handed on as it comes; its end with the last piece", () => {
  const chunk = Buffer.concat([encodeDataHead(1, 4, true), Buffer.from("ab")]);
  assert.deepEqual(readAll(chunk, Buffer.from("cd")), [
    { t: "data", streamId: 1, fin: false, bytes: Buffer.from("ab") },
    { t: "data", streamId: 1, fin: true, bytes: Buffer.from("cd") },
  ]);
  const empty = { t: "data", streamId: 1, fin: true, bytes: Buffer.alloc(0) };
  assert.deepEqual(readAll(encodeDataHead(1, 0, true)), [empty]);
});

test("frames of types that we do not know are skipped", () => {
  const ping = { t: "ping", pingId: 1 } as const;
  const bytes = Buffer.concat([controlFrame(10, [1, 2, 3]), new SpdyFrameWriter().encode(ping)]);
  assert.deepEqual(readAll(bytes), [ping]);
});

test("what is malformed ends the session", () => {
  const zeros = deflateSync(Buffer.alloc(1 << 20), {
    dictionary: headerDictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const table: Record<string, Buffer> = {
    "another version": Buffer.from("8002000600000004 00000001".replace(" ", ""), "hex"),
    "an oversized control frame": Buffer.from("8003000100ffffff", "hex"),
    "data on stream 0": encodeDataHead(0, 1, false),
    "a stream 0": controlFrame(3, [0, 1]),
    "a short ping": controlFrame(6, []),
    "a short window update": controlFrame(9, [1]),
    "settings that lie about their number": controlFrame(4, [1000]),
    "a short stream": controlFrame(1, [1]),
    "no zlib data": controlFrame(1, [1, 0], Buffer.from("0000deadbeefdeadbeef", "hex")),
    "zlib data cut short": controlFrame(1, [1, 0], Buffer.from("000078f9e3c6a7c2", "hex")),
    "another dictionary": controlFrame(1, [1, 0], Buffer.from("000078f912345678", "hex")),
    "a block that inflates too far": controlFrame(1, [1, 0], Buffer.concat([Buffer.alloc(2), zeros])),
    "a header given twice": controlFrame(1, [1, 0], Buffer.concat([Buffer.alloc(2), twice()])),
  };
  for (const [what, bytes] of Object.entries(table)) assert.throws(() => readAll(bytes), { name: "SpdyError" }, what);
});

/** RFC 1950, 8.2. */
function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

function controlFrame(type: number, words: number[], rest = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8 + words.length * 4);
  head.writeUInt16BE(0x8003);
  head.writeUInt16BE(type, 2);
  head.writeUIntBE(words.length * 4 + rest.length, 5, 3);
  for (const [index, word] of words.entries()) head.writeUInt32BE(word, 8 + index * 4);
  return Buffer.concat([head, rest]);
}

/** Blocks of one stream as zlib writes them: what comes before a block is its dictionary. */
function compressTogether(maps: ReadonlyMap<string, string>[]): Buffer[] {
  let past = headerDictionary;
  return maps.map((headers, index) => {
    const text = encodeHeaders(headers);
    const whole = deflateSync(text, { dictionary: past, finishFlush: constants.Z_SYNC_FLUSH });
    past = Buffer.concat([past, text]);
    // Only the first has the stream's head.
    return index === 0 ? whole : whole.subarray(6);
  });
}

function twice(): Buffer {
  const one = encodeHeaders(new Map([["a", "b"]]));
  const block = Buffer.concat([Buffer.from([0, 0, 0, 2]), one.subarray(4), one.subarray(4)]);
  return deflateSync(block, { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH });
}
