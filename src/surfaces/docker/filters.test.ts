import assert from "node:assert/strict";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { Filters } from "./filters.ts";

const keys = ["label", "label!", "name", "dangling"];

test("reads both forms of filters", () => {
  for (const text of [`{"name":["a","b"]}`, `{"name":{"a":true,"b":true,"c":false}}`]) {
    assert.deepEqual(Filters.parse(text, keys).get("name"), ["a", "b"]);
  }
  assert.deepEqual(Filters.parse("", keys).keys(), []);
});

test("refuses what is no filter with Docker's text", async () => {
  for (const [text, message] of [
    ["{", "invalid filter"],
    ["[]", "invalid filter"],
    [`{"name":"a"}`, "invalid filter"],
    [`{"nome":["a"]}`, "invalid filter 'nome'"],
  ] as const) {
    await fails("invalidArgument", (async () => Filters.parse(text, keys))(), new RegExp(`^${message}$`));
  }
  const twice = Filters.parse(`{"dangling":["true","false"]}`, keys);
  await fails(
    "invalidArgument",
    (async () => twice.boolean("dangling", false))(),
    /^invalid filter 'dangling=\[true false\]'$/,
  );
});

test("labels must all fit, names one of them", () => {
  const filters = Filters.parse(`{"label":["a","b=1"],"label!":["c"],"name":["web","^db$"]}`, keys);
  for (const [labels, fits] of [
    [{ a: "", b: "1" }, true],
    [{ a: "x", b: "1", d: "" }, true],
    [{ a: "x", b: "2" }, false],
    [{ b: "1" }, false],
    [{ a: "", b: "1", c: "" }, false],
  ] as const) {
    assert.equal(filters.matchLabels(labels), fits, JSON.stringify(labels));
  }
  for (const [name, fits] of [
    ["web", true],
    ["my-web-1", true],
    ["db", true],
    ["db2", false],
  ] as const) {
    assert.equal(filters.matchName("name", name), fits, name);
  }
});
