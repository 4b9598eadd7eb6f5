import { setTimeout as sleep } from "node:timers/promises";
import { isKind } from "#base/errors.ts";
import type { Call } from "../call.ts";

/** Asks until the API server answers: while its own node moves it may be away for as long as that takes. */
export async function persist<T>(call: Call, ask: () => Promise<T>, away: (error: unknown) => void): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (call.signal.aborted || !isKind(error, "unavailable", "deadlineExceeded")) throw error;
      away(error);
    }
    await sleep(1_000, undefined, { signal: call.signal });
  }
}
