import { kindOf, messageOf, redact } from "#base/errors.ts";
import type { LogFields, Logger } from "#base/logger.ts";
import type { RouteEntry } from "./route.ts";

/** What only a route knows of its request. Nothing that authorises anybody. */
export type RequestNote = { readonly containerId?: string; readonly image?: string };

/** The one line that a finished request leaves: info where it was to change something, debug where it was to read. */
export class RequestLog {
  /** For whoever works for the request: its lines tell the route. */
  readonly log: Logger;
  readonly #startedAt = performance.now();
  readonly #changes: boolean;
  #fields: LogFields;
  #failure: unknown;

  /** `name` is what the path names. Query, headers and body never come here: they may carry credentials. */
  constructor(log: Logger, entry: RouteEntry, name: string) {
    this.log = log.child({ rpc: `${entry.method} ${entry.path.replaceAll(/:(\w+)/g, "{$1}")}` });
    this.#changes = entry.method !== "GET" && entry.method !== "HEAD" && entry.reads !== true;
    this.#fields = fieldsOf(entry.path, name);
  }

  note(fields: RequestNote): void {
    this.#fields = { ...this.#fields, ...fields };
  }

  /** Also for a failure that was told in the answer's stream. */
  noteFailure(error: unknown): void {
    this.#failure = error;
  }

  finish(): void {
    const fields = { ...this.#fields, durationMs: Math.round(performance.now() - this.#startedAt) };
    const [told, message] =
      this.#failure === undefined
        ? [fields, "done"]
        : [{ ...fields, kind: kindOf(this.#failure) }, redact(messageOf(this.#failure))];
    if (this.#changes) this.log.info(told, message);
    else this.log.debug(told, message);
  }
}

/** Field of what stands at `:name`, by the path's first word. */
const nouns: Readonly<Record<string, string>> = {
  containers: "container",
  exec: "execId",
  images: "image",
  networks: "network",
  volumes: "volume",
};

function fieldsOf(path: string, name: string): LogFields {
  const field = nouns[path.split("/")[1] ?? ""];
  if (name === "" || field === undefined) return {};
  const isId = field === "container" && /^[0-9a-f]{64}$/.test(name);
  return { [isId ? "containerId" : field]: redact(name.slice(0, maxNameLength)) };
}

const maxNameLength = 256;
