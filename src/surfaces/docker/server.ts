import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import fastify, { type FastifyInstance } from "fastify";
import type { Call, Namespace } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import { formatApi, maxApi } from "./api-version.ts";
import { toErrorAnswer } from "./error-answer.ts";
import { answerRequest, pageNotFound, requestOf, type Surface } from "./request.ts";
import { routes } from "./routes.ts";

export type DockerServerOptions = {
  /** Path of the Unix socket; one that is there is replaced. */
  readonly socketPath: string;
  /** Group of the socket; undefined: root. */
  readonly groupId?: number;
  /** Ferry's version. */
  readonly version: string;
  /** Of requests that name none with `X-Ferry-Namespace`. */
  readonly namespace: Namespace;
};

/**
 * Without a charset: Docker's client reads an error as JSON only if this is all the header says. (Bodies are sent as
 * bytes, because fastify adds a charset to text.)
 */
const plainJson = ["Content-Type", "application/json"] as const;

const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Serves Docker's Engine API on a Unix socket, owner root, mode 0660.
 *
 * `call` gives the logger, and the signal that ends every request. The caller disposes the server: requests under way
 * are cut off, containers are not touched.
 */
export async function openDockerServer(
  call: Call,
  engine: Engine,
  options: DockerServerOptions,
): Promise<AsyncDisposable> {
  const stopped = new AbortController();
  const surface: Surface = {
    call: { ...call, signal: AbortSignal.any([call.signal, stopped.signal]) },
    engine,
    settings: {
      version: options.version,
      namespace: options.namespace,
      rootDirectory: engine.settings.rootDirectory,
      maxBodyBytes,
    },
  };
  const app = createApp(surface);
  const sockets = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Without a listener an error on a connection that a route took over would end the daemon.
    socket.on("error", () => socket.destroy());
  });
  await listen(app, options);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      for (const socket of sockets) socket.destroy();
      await app.close();
      await rm(options.socketPath, { force: true });
    },
  };
}

async function listen(app: FastifyInstance, options: DockerServerOptions): Promise<void> {
  await mkdir(dirname(options.socketPath), { recursive: true, mode: 0o711 });
  await rm(options.socketPath, { force: true });
  await app.listen({ path: options.socketPath });
  await chown(options.socketPath, 0, options.groupId ?? 0);
  await chmod(options.socketPath, 0o660);
}

function createApp(surface: Surface): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // Bodies are streams here; routes that read one whole have their own bound.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    keepAliveTimeout: 300_000,
    routerOptions: { maxParamLength: 4096, querystringParser: () => ({}) },
    rewriteUrl: (request) => requestOf(request).url,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.addHook("onRequest", (_request, reply, done) => {
    setCommonHeaders(reply.raw, surface.settings.version);
    done();
  });
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .header(...plainJson)
      .send(Buffer.from(pageNotFound)),
  );
  app.setErrorHandler((error, _request, reply) => {
    const { status, message } = toErrorAnswer(error, surface.call.log);
    void reply.code(status);
    return status === 304 ? reply.send() : reply.header(...plainJson).send(Buffer.from(JSON.stringify({ message })));
  });
  for (const { method, path, lasting, load } of routes) {
    app.route({
      method,
      url: path,
      handler: async (request, reply) => answerRequest(surface, { request, reply, lasting: lasting ?? false, load }),
    });
  }
  serveUpgrades(app);
  return app;
}

/** Node hands a request that asks for an upgrade over with its bare socket; routes see it like any other. */
function serveUpgrades(app: FastifyInstance): void {
  app.server.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    if (head.length > 0) duplex.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.once("finish", () => {
      response.detachSocket(request.socket);
      request.socket.end();
    });
    app.routing(request, response);
  });
}

function setCommonHeaders(response: ServerResponse, version: string): void {
  response.setHeader("Api-Version", formatApi(maxApi));
  response.setHeader("Docker-Experimental", "false");
  response.setHeader("Ostype", "linux");
  response.setHeader("Server", `Ferry/${version} (linux)`);
}
