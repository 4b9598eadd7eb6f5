import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

export type WebSocketUpgrade = {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The subprotocol that was agreed on, for the answer; "": none. */
  readonly protocol: string;
};

/** Most bytes of a message from a client. Kubernetes' send 32 KiB. */
const maxMessageBytes = 4 * 1024 * 1024;

/** Answers a WebSocket handshake; undefined when it was malformed, which the client has been told. */
export async function acceptWebSocket(upgrade: WebSocketUpgrade): Promise<WebSocket | undefined> {
  const { WebSocketServer } = await import("ws");
  const { request, socket, head, protocol } = upgrade;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  // `ws` refuses names with a slash, which those of tunnelled protocols have: it is not shown them.
  delete request.headers["sec-websocket-protocol"];
  server.on("headers", (lines) => {
    if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
  socket.once("close", () => resolve(undefined));
  server.handleUpgrade(request, socket, head, resolve);
  return await promise;
}

/** The messages' bytes as one stream, for a protocol that is tunnelled. Ending it closes the WebSocket. */
export async function toDuplex(socket: WebSocket): Promise<Duplex> {
  const { createWebSocketStream } = await import("ws");
  return createWebSocketStream(socket, { allowHalfOpen: false, highWaterMark: 64 * 1024 });
}
