import { once } from "node:events";
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import type { Call, Namespace } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import type { PodSettings } from "./pods/pod-settings.ts";
import { answerRequest, type Exchange, type Surface } from "./request.ts";
import { Router } from "./router.ts";
import { routes } from "./routes.ts";

// As a whole: an import statement evaluates every export, and one of them is a WebSocket client of 7 MB.
const { createServer, ServerResponse } = process.getBuiltinModule("node:http");

export type DockerServerOptions = {
  /** Path of the Unix socket; one that is there is replaced. */
  readonly socketPath: string;
  /** Group of the socket; undefined: root. */
  readonly groupId?: number;
  /** Ferry's version. */
  readonly version: string;
  /** Of requests that name none with `X-Ferry-Namespace`. */
  readonly namespace: Namespace;
  /** Left out: there are none. */
  readonly pods?: PodSettings;
};

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
      ...(options.pods === undefined ? {} : { pods: options.pods }),
      rootDirectory: engine.settings.rootDirectory,
      maxBodyBytes,
    },
  };
  const server = createHttpServer(surface);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Without a listener an error on a connection that a route took over would end the daemon.
    socket.on("error", () => socket.destroy());
  });
  await listen(server, options);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      for (const socket of sockets) socket.destroy();
      await promisify(server.close.bind(server))();
      await rm(options.socketPath, { force: true });
    },
  };
}

async function listen(server: Server, options: DockerServerOptions): Promise<void> {
  await mkdir(dirname(options.socketPath), { recursive: true, mode: 0o711 });
  await rm(options.socketPath, { force: true });
  server.listen(options.socketPath);
  await once(server, "listening");
  await chown(options.socketPath, 0, options.groupId ?? 0);
  await chmod(options.socketPath, 0o660);
}

/** Requests may take as long as they like: a pull's answer, an upload, an attach. */
function createHttpServer(surface: Surface): Server {
  const router = new Router(routes);
  const answer = (exchange: Exchange) => void answerRequest(surface, router, exchange);
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 300_000 }, (request, response) =>
    answer({ request, response }),
  );
  return server.on("upgrade", (request, duplex, head) =>
    answer({ request, response: responseToUpgrade(request, duplex, head) }),
  );
}

/** Node hands a request that asks for an upgrade over with its bare socket; routes see it like any other. */
function responseToUpgrade(request: IncomingMessage, duplex: Duplex, head: Buffer) {
  if (head.length > 0) duplex.unshift(head);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  response.once("finish", () => {
    response.detachSocket(request.socket);
    request.socket.end();
  });
  return response;
}
