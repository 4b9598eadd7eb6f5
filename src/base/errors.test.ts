import assert from "node:assert/strict";
import test from "node:test";
import { EngineError, isKind, kindOf, messageOf } from "./errors.ts";

test("what went wrong first counts, though disposal failed after it", () => {
  const fails = () => {
    throw new EngineError("unavailable", "lease: not given back");
  };
  const work = () => {
    using _outer = { [Symbol.dispose]: fails };
    using _inner = { [Symbol.dispose]: fails };
    throw new EngineError("dataLoss", "layer a: damaged");
  };
  assert.throws(work, (error) => {
    assert.deepEqual(
      [messageOf(error), kindOf(error), isKind(error, "dataLoss")],
      ["layer a: damaged", "dataLoss", true],
    );
    return true;
  });
});

test("a kind is the outermost one's in the chain of causes; an abort is one too", () => {
  const inner = new EngineError("notFound", "a: not there");
  assert.equal(kindOf(new Error("b", { cause: inner })), "notFound");
  assert.equal(kindOf(new EngineError("conflict", "c", { cause: inner })), "conflict");
  assert.equal(kindOf(AbortSignal.abort().reason), "canceled");
  assert.equal(kindOf("text"), "internal");
  assert.equal(messageOf("text"), "text");
});
