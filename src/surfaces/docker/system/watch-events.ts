import { nowNs, type UnixNs } from "#base/clock.ts";
import { EngineError } from "#base/errors.ts";
import type { Event } from "#core/events/event.ts";
import { Filters } from "../filters.ts";
import { visibleNamespaces } from "../pods/pod-settings.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { parseTimestamp } from "../timestamp.ts";
import { eventFilterKeys, fitsEvent, toDockerEvent } from "./event.ts";

/** `docker events`: one JSON object per line, until the client goes or `until` has come. */
export async function watchEvents(context: RouteContext): Promise<Answer> {
  const { call, engine, query, api } = context;
  const since = parseTimestamp(query.text("since"), "since");
  const until = parseTimestamp(query.text("until"), "until");
  if (since !== undefined && until !== undefined && until < since) {
    throw new EngineError(
      "invalidArgument",
      `\`since\` time (${query.text("since")}) cannot be after \`until\` time (${query.text("until")})`,
    );
  }
  const filters = Filters.parse(query.text("filters"), eventFilterKeys);
  const namespaces = visibleNamespaces(context.settings, call.namespace);
  using ended = endAt(call.signal, until);
  using events = engine.events.subscribe(ended.signal, since);
  const out = context.stream(api < 52 ? "application/json" : "application/jsonl");
  out.flush();
  for await (const event of events) {
    if (until !== undefined && event.timeNs > until) break;
    if (!namespaces.includes(event.namespace) || !fitsEvent(event, filters) || isTooNew(event, api)) continue;
    await out.write(`${JSON.stringify(toDockerEvent(event, api))}\n`);
  }
  out.end();
  return taken;
}

/** Images' `create` events came with 1.46. */
function isTooNew(event: Event, api: number): boolean {
  return api < 46 && event.type === "image" && event.action === "create";
}

/** A signal that is aborted with `signal`, and at `until`. */
function endAt(signal: AbortSignal, until: UnixNs | undefined): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const waitMs = until === undefined ? undefined : Number((until - nowNs()) / 1_000_000n);
  // A past `until` wants what is remembered only: a turn later all of that is in the queue.
  const timer = waitMs === undefined ? undefined : setTimeout(abort, Math.min(Math.max(waitMs, 0), 0x7fffffff));
  signal.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    },
  };
}
