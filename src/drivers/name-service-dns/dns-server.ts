import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import type { Transport } from "./forwarder.ts";

/** Answers one query; undefined says nothing. Never rejects. */
export type Respond = (query: Buffer, from: string, transport: Transport) => Promise<Buffer | undefined>;

const maxConnections = 128;
const idleMs = 10_000;
const maxFrameBytes = 4096;

/** Listens on one address, port 53, UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;

  private constructor(udp: DatagramSocket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
  }

  /** @throws the system's error when the address cannot be had: EADDRINUSE, EADDRNOTAVAIL */
  static async open(address: string, respond: Respond): Promise<DnsServer> {
    await using undo = new AsyncDisposableStack();
    const udp = await openUdp(address, respond);
    undo.defer(() => closeUdp(udp));
    const tcp = await openTcp(address, respond);
    undo.move();
    return new DnsServer(udp, tcp);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#tcp.close(() => closed.resolve());
    for (const socket of connectionsOf.get(this.#tcp) ?? []) socket.destroy();
    await Promise.all([closed.promise, closeUdp(this.#udp)]);
  }
}

const connectionsOf = new WeakMap<Server, Set<Socket>>();

async function openUdp(address: string, respond: Respond): Promise<DatagramSocket> {
  const socket = createSocket({ type: "udp4" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.bind({ address, port: 53, exclusive: true }, resolve);
  try {
    await promise;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.off("error", reject);
  // An answer to somebody who has gone comes back as an error of the socket; it concerns nobody.
  socket.on("error", () => {});
  socket.on("message", (query, from) => void respondUdp(socket, query, from, respond));
  return socket;
}

async function respondUdp(socket: DatagramSocket, query: Buffer, from: RemoteInfo, respond: Respond): Promise<void> {
  const reply = await respond(query, from.address, "udp");
  if (reply === undefined) return;
  try {
    socket.send(reply, from.port, from.address, () => {});
  } catch {
    // Closed meanwhile.
  }
}

async function closeUdp(socket: DatagramSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.close(resolve);
  await promise;
}

async function openTcp(address: string, respond: Respond): Promise<Server> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, respond);
  });
  server.maxConnections = maxConnections;
  connectionsOf.set(server, connections);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host: address, port: 53, exclusive: true }, resolve);
  await promise;
  server.off("error", reject);
  server.on("error", () => {});
  return server;
}

function serveConnection(socket: Socket, respond: Respond): void {
  let received = Buffer.alloc(0);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2) {
      const length = received.readUInt16BE(0);
      if (length > maxFrameBytes) {
        socket.destroy();
        return;
      }
      if (received.length < length + 2) return;
      const query = received.subarray(2, length + 2);
      received = received.subarray(length + 2);
      void respondTcp(socket, query, respond);
    }
  });
}

async function respondTcp(socket: Socket, query: Buffer, respond: Respond): Promise<void> {
  const reply = await respond(query, socket.remoteAddress ?? "", "tcp");
  if (reply === undefined || !socket.writable) return;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length);
  socket.write(Buffer.concat([length, reply]));
}
