import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { EngineError } from "#base/errors.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import { AnswerStream } from "./answer-stream.ts";
import { negotiateApi } from "./api-version.ts";
import { normaliseUrl, type NormalUrl } from "./normalise-url.ts";
import { Query } from "./query.ts";
import { hijack } from "./raw-connection.ts";
import type { Answer, Route, RouteContext } from "./route.ts";
import type { DockerSettings } from "./settings.ts";

/** What every request of a server has in common. */
export type Surface = { readonly call: Call; readonly engine: Engine; readonly settings: DockerSettings };

type RouteCall = {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Goes on when the client has gone. */
  readonly lasting: boolean;
  readonly load: () => Promise<Route>;
};

export const pageNotFound = JSON.stringify({ message: "page not found" });

const seen = new WeakMap<IncomingMessage, NormalUrl>();

/** A request's URL without version; worked out once. */
export function requestOf(request: IncomingMessage): NormalUrl {
  const known = seen.get(request);
  if (known !== undefined) return known;
  const normal = normaliseUrl(request.method ?? "GET", request.url ?? "/");
  seen.set(request, normal);
  return normal;
}

/** Runs a route and sends what it answers; its errors go to the server's error handler. */
export async function answerRequest(surface: Surface, routeCall: RouteCall): Promise<unknown> {
  const { request, reply, load } = routeCall;
  const route = await load();
  using context = createContext(surface, routeCall);
  try {
    const answer = await route(context);
    return send(reply, answer);
  } catch (error) {
    if (!reply.sent && !reply.raw.headersSent) throw error;
    // Too late for a status: the client learns by the connection's end.
    context.call.log.debug({ error: String(error), rpc: request.url }, "answer cut off");
    reply.raw.destroy();
    return reply;
  }
}

function send(reply: FastifyReply, answer: Answer): unknown {
  switch (answer.t) {
    case "json":
      return reply
        .code(answer.status)
        .header("Content-Type", "application/json")
        .send(Buffer.from(`${JSON.stringify(answer.value)}\n`));
    case "empty":
      return reply
        .code(answer.status)
        .headers(answer.headers ?? {})
        .send();
    case "text":
      return reply
        .headers(answer.headers ?? {})
        .type("text/plain; charset=utf-8")
        .send(answer.text);
    case "taken":
      return reply;
    default:
      return answer satisfies never;
  }
}

function createContext(surface: Surface, { request, reply, lasting }: RouteCall): RouteContext & Disposable {
  const { raw } = request;
  const gone = new AbortController();
  const onClose = () => {
    if (!reply.raw.writableFinished) gone.abort(new EngineError("canceled", "client closed the connection"));
  };
  // Of the response for plain requests; a connection that was taken over says it by itself.
  raw.socket.once("close", onClose);
  const url = request.raw.url ?? "/";
  const query = new Query(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const signal = lasting ? surface.call.signal : AbortSignal.any([surface.call.signal, gone.signal]);
  const api = negotiateApi(requestOf(raw).version);
  return {
    call: { ...surface.call, signal, namespace: namespaceOf(surface, request, query) },
    engine: surface.engine,
    settings: surface.settings,
    api,
    name: nameOf(request),
    query,
    headers: request.headers,
    body: raw,
    stream: (contentType) => new AnswerStream(reply.raw, { signal, contentType, take: () => void reply.hijack() }),
    hijack({ multiplexed }) {
      reply.hijack();
      return hijack(raw, reply.raw, { multiplexed, api, signal });
    },
    [Symbol.dispose]: () => raw.socket.off("close", onClose),
  };
}

function nameOf(request: FastifyRequest): string {
  const { params } = request;
  if (typeof params !== "object" || params === null || !("name" in params)) return "";
  return typeof params.name === "string" ? params.name : "";
}

function namespaceOf(surface: Surface, request: FastifyRequest, query: Query) {
  const asked = request.headers["x-ferry-namespace"] ?? query.text("X-Ferry-Namespace");
  if (typeof asked !== "string" || asked === "") return surface.settings.namespace;
  return parseNamespace(asked);
}
