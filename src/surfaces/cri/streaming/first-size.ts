import { setTimeout as sleep } from "node:timers/promises";
import type { TerminalSize } from "#core/tasks/runtime.ts";

/** How long a start waits for the size of the client's terminal, which clients tell as soon as they are connected. */
const firstSizeWaitMs = 100;

/** The first size where it comes soon, so that a program finds it at its start; and all that come later. */
export async function takeFirstSize(
  sizes: AsyncIterable<TerminalSize>,
): Promise<{ first: TerminalSize | undefined; others: AsyncIterable<TerminalSize> }> {
  const iterator = sizes[Symbol.asyncIterator]();
  const next = iterator.next();
  // Awaited again by whoever goes on; until then a failure is nobody's.
  next.catch(() => {});
  const late = new AbortController();
  const none = sleep(firstSizeWaitMs, undefined, { signal: late.signal }).catch(() => undefined);
  const found = await Promise.race([next, none]);
  late.abort();
  const first = found === undefined || found.done === true ? undefined : found.value;
  return { first, others: goOn(iterator, found === undefined ? next : undefined) };
}

async function* goOn(
  iterator: AsyncIterator<TerminalSize>,
  pending: Promise<IteratorResult<TerminalSize>> | undefined,
) {
  for (let next = pending ?? iterator.next(); ; next = iterator.next()) {
    const result = await next;
    if (result.done === true) return;
    yield result.value;
  }
}
