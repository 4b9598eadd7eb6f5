import type { IncomingMessage, ServerResponse } from "node:http";
import { EngineError, kindOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import { parseNamespace, type Call, type Namespace } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import { AnswerStream } from "./answer-stream.ts";
import { formatApi, maxApi, negotiateApi } from "./api-version.ts";
import { toErrorAnswer } from "./error-answer.ts";
import { locateContainer } from "./pods/locate-container.ts";
import { normaliseUrl } from "./normalise-url.ts";
import { Query } from "./query.ts";
import { hijack } from "./raw-connection.ts";
import { RequestLog } from "./request-log.ts";
import type { Answer, RouteContext } from "./route.ts";
import type { FoundRoute, Router } from "./router.ts";
import type { DockerSettings } from "./settings.ts";

/** What every request of a server has in common. */
export type Surface = { readonly call: Call; readonly engine: Engine; readonly settings: DockerSettings };

/** One request and the response to it. */
export type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** Finds a request's route, runs it and sends what it answers. Settles when the route has, with an answer in any case. */
export async function answerRequest(surface: Surface, router: Router, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  setCommonHeaders(response, surface.settings.version);
  try {
    await findAndRun(surface, router, exchange);
  } catch (error) {
    sendError(exchange, error, surface.call.log);
  }
}

async function findAndRun(surface: Surface, router: Router, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const method = request.method ?? "GET";
  const { url, version } = normaliseUrl(method, request.url ?? "/");
  const [path, query] = splitOnce(url, "?");
  const found = router.find(method, path);
  if (found === undefined) return sendJson(response, 404, pageNotFound);
  const log = new RequestLog(surface.call.log, found.entry, found.name);
  try {
    await runRoute(surface, exchange, { found, version, query: new Query(query), log });
  } catch (error) {
    log.noteFailure(error);
    sendError(exchange, error, log.log);
  } finally {
    log.finish();
  }
}

async function runRoute(surface: Surface, exchange: Exchange, details: RequestDetails): Promise<void> {
  const { entry, name } = details.found;
  const asked = { ...surface.call, namespace: namespaceOf(surface, exchange.request, details.query) };
  const { namespace, sandbox } = await locateContainer({ ...surface, call: asked }, { entry, name });
  using context = createContext(surface, exchange, { ...details, namespace });
  if (sandbox === undefined) return send(exchange.response, await (await entry.load())(context));
  const { answerForSandbox } = await import("./pods/sandbox-routes.ts");
  send(exchange.response, await answerForSandbox(context, entry.path, sandbox));
}

const pageNotFound = JSON.stringify({ message: "page not found" });

function setCommonHeaders(response: ServerResponse, version: string): void {
  response.setHeader("Api-Version", formatApi(maxApi));
  response.setHeader("Docker-Experimental", "false");
  response.setHeader("Ostype", "linux");
  response.setHeader("Server", `Ferry/${version} (linux)`);
}

function send(response: ServerResponse, answer: Answer): void {
  switch (answer.t) {
    case "json":
      return sendJson(response, answer.status, `${JSON.stringify(answer.value)}\n`);
    case "empty":
      return sendEmpty(response, answer.status, answer.headers);
    case "text": {
      const body = Buffer.from(answer.text);
      const headers = { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length };
      response.writeHead(200, { ...answer.headers, ...headers }).end(body);
      return;
    }
    case "taken":
      return;
    default:
      answer satisfies never;
  }
}

/** Without a charset: Docker's client reads an error as JSON only if this is all the header says. */
function sendJson(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

function sendEmpty(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  // Answers that never have a body may not tell its length. Source: RFC 9110, section 8.6.
  const bodiless = status === 204 || status === 304;
  response.writeHead(status, { ...headers, ...(bodiless ? {} : { "Content-Length": 0 }) }).end();
}

function sendError({ response }: Exchange, error: unknown, log: Logger): void {
  if (response.headersSent || response.socket === null) {
    // Too late for a status: the client learns by the connection's end.
    log.debug({ kind: kindOf(error) }, "answer cut off");
    response.destroy();
    return;
  }
  const { status, message } = toErrorAnswer(error, log);
  if (status === 304) sendEmpty(response, status);
  else sendJson(response, status, JSON.stringify({ message }));
}

type RequestDetails = {
  readonly found: FoundRoute;
  readonly version: string | undefined;
  readonly query: Query;
  readonly log: RequestLog;
};

function createContext(
  surface: Surface,
  exchange: Exchange,
  details: RequestDetails & { readonly namespace: Namespace },
): RouteContext & Disposable {
  const { request, response } = exchange;
  const { found, query, log } = details;
  const gone = new AbortController();
  const onClose = () => {
    if (!response.writableFinished) gone.abort(new EngineError("canceled", "client closed the connection"));
  };
  // Of the response for plain requests; a connection that was taken over says it by itself.
  const { socket } = request;
  socket.once("close", onClose);
  const signal =
    found.entry.lasting === true ? surface.call.signal : AbortSignal.any([surface.call.signal, gone.signal]);
  const api = negotiateApi(details.version);
  return {
    call: { ...surface.call, signal, log: log.log, namespace: details.namespace },
    engine: surface.engine,
    settings: surface.settings,
    api,
    name: found.name,
    query,
    headers: request.headers,
    body: request,
    note: (fields) => log.note(fields),
    noteFailure: (error) => log.noteFailure(error),
    stream: (contentType) => new AnswerStream(response, { signal, contentType }),
    hijack: ({ multiplexed }) => hijack(request, response, { multiplexed, api, signal }),
    [Symbol.dispose]: () => socket.off("close", onClose),
  };
}

function namespaceOf(surface: Surface, request: IncomingMessage, query: Query): Namespace {
  const asked = request.headers["x-ferry-namespace"] ?? query.text("X-Ferry-Namespace");
  if (typeof asked !== "string" || asked === "") return surface.settings.namespace;
  return parseNamespace(asked);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
