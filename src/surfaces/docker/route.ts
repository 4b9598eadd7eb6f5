import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Call } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import type { AnswerStream } from "./answer-stream.ts";
import type { ApiVersion } from "./api-version.ts";
import type { Query } from "./query.ts";
import type { RawConnection } from "./raw-connection.ts";
import type { RequestNote } from "./request-log.ts";
import type { DockerSettings } from "./settings.ts";

/** One request, taken apart. */
export type RouteContext = {
  /** Aborted when the client goes away, unless the route is one that finishes whatever it began. */
  readonly call: Call;
  readonly engine: Engine;
  readonly settings: DockerSettings;
  readonly api: ApiVersion;
  /** The path's name or id, decoded. */
  readonly name: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  /** What the request's log line is to tell beside its route. */
  note(fields: RequestNote): void;
  /** A failure that the answer's stream tells, so that nobody throws it. */
  noteFailure(error: unknown): void;
  /** The answer as a stream; its status and headers go out with the first write, so an error before that is an answer. */
  stream(contentType: string): AnswerStream;
  /** Takes the connection over from HTTP; the caller ends it. */
  hijack(options: { multiplexed: boolean }): RawConnection;
};

export type Answer =
  | { readonly t: "json"; readonly status: number; readonly value: unknown }
  | { readonly t: "empty"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly t: "text"; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  /** The route has answered itself, by stream or on the bare connection. */
  | { readonly t: "taken" };

export type Route = (context: RouteContext) => Promise<Answer>;

export function json(value: unknown, status = 200): Answer {
  return { t: "json", status, value };
}

export const noContent: Answer = { t: "empty", status: 204 };
export const taken: Answer = { t: "taken" };

export type RouteEntry = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Goes on when the client has gone: stopping half-way would be worse than finishing. */
  readonly lasting?: boolean;
  /** Changes nothing, though its method says otherwise: its log line is a read's. */
  readonly reads?: boolean;
  /** Routes are loaded at their first request: a daemon whose Docker socket nobody uses does not pay for it. */
  readonly load: () => Promise<Route>;
};
