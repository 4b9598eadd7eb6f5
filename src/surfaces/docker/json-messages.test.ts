import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "#base/errors.ts";
import { sizeText } from "#base/size-text.ts";
import { encodeMessage, errorMessage, message } from "./json-messages.ts";

test("progress is drawn as Docker draws it", () => {
  assert.deepEqual(message("Downloading", { id: "abc", current: 1_500_000, total: 3_000_000 }), {
    status: "Downloading",
    progressDetail: { current: 1_500_000, total: 3_000_000 },
    progress: `[${"=".repeat(25)}>${" ".repeat(25)}]     1.5MB/3MB`,
    id: "abc",
  });
  assert.deepEqual(message("Pull complete", { id: "abc" }), { status: "Pull complete", progressDetail: {}, id: "abc" });
  assert.deepEqual(message("Digest: x"), { status: "Digest: x" });
  for (const [bytes, text] of [
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [1_234_567, "1.235MB"],
    [1e12, "1TB"],
  ] as const) {
    assert.equal(sizeText(bytes, 4), text);
  }
});

test("an error in the stream has both forms", () => {
  const line = encodeMessage(errorMessage(new EngineError("notFound", "no such image: x")));
  assert.equal(line, `{"errorDetail":{"message":"No such image: x"},"error":"No such image: x"}\r\n`);
});
