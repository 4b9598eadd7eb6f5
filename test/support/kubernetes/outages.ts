import { setTimeout as sleep } from "node:timers/promises";
import type { ApiRequestInfo, TestApiServer } from "./api-server.ts";

/** When an API server goes away: at the first request that `is` answers true for, which is never served. */
export type Outage = {
  readonly name: string;
  readonly is: (request: ApiRequestInfo) => boolean;
  /** It comes back then, where that is not by the clock. */
  readonly until?: Promise<unknown>;
};

/** A request of this method to a path that ends so. */
export function atRequest(method: string, path: RegExp): Outage {
  return { name: `${method} ${path.source}`, is: (request) => request.method === method && path.test(request.path) };
}

/**
 * Lets `api` go away for `awayMs` at each of `outages`, one after the other. Answers a list from which each is taken as it
 * begins.
 */
export function planOutages(api: TestApiServer, outages: readonly Outage[], awayMs = 2_500): readonly string[] {
  const left = outages.map(({ name }) => name);
  api.handlers.push((request) => {
    const next = outages[outages.length - left.length];
    if (next?.is(request) !== true) return false;
    left.shift();
    void goUntil(api, next.until ?? sleep(awayMs));
    return true;
  });
  return left;
}

async function goUntil(api: TestApiServer, end: Promise<unknown>): Promise<void> {
  await api.goAway();
  await end;
  await api.comeBack();
}
