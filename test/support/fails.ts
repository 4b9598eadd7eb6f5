import assert from "node:assert/strict";
import { EngineError, kindOf, type ErrorKind } from "#base/errors.ts";

/** Asserts that `promise` rejects with an {@link EngineError} of `kind`, and with `message` when given. */
export async function fails(kind: ErrorKind, promise: Promise<unknown>, message?: string | RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof EngineError, `no EngineError: ${String(error)}`);
    assert.equal(kindOf(error), kind, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else if (message !== undefined) assert.match(error.message, message);
    return true;
  });
}
