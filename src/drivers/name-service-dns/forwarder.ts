import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { EngineError } from "#base/errors.ts";
import { Limiter } from "#base/limiter.ts";

const perServerMs = 2000;
const maxInFlight = 256;
const maxWaiting = 1024;

export type Transport = "udp" | "tcp";

/**
 * Passes queries on to resolvers, one after the other until one answers.
 *
 * Each query has a socket and an id of its own, so that a forged answer has both to guess. A truncated answer is given
 * back as it is: the asker comes again over TCP, and is passed on over TCP.
 */
export class Forwarder {
  readonly #limiter = new Limiter(maxInFlight);
  #waiting = 0;

  /** @throws unavailable when no server answers, or too many queries wait */
  async forward(query: Buffer, servers: readonly string[], transport: Transport, signal: AbortSignal): Promise<Buffer> {
    if (this.#waiting >= maxWaiting) throw new EngineError("unavailable", "name service: too many queries wait");
    this.#waiting++;
    try {
      using _place = await this.#limiter.acquire(signal);
      return await askInTurn(query, servers, transport, signal);
    } finally {
      this.#waiting--;
    }
  }
}

async function askInTurn(
  query: Buffer,
  servers: readonly string[],
  transport: Transport,
  signal: AbortSignal,
): Promise<Buffer> {
  let cause: unknown;
  for (const server of servers) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(perServerMs)]);
      const reply = await ask(query, server, transport, limit);
      // Server failure, refused: the next one may know better.
      if (![2, 5].includes(reply.readUInt8(3) & 0xf) || server === servers.at(-1)) return reply;
    } catch (error) {
      signal.throwIfAborted();
      cause = error;
    }
  }
  throw new EngineError("unavailable", `name service: no answer from ${servers.join(", ") || "any resolver"}`, {
    cause,
  });
}

async function ask(query: Buffer, server: string, transport: Transport, signal: AbortSignal): Promise<Buffer> {
  const own = Buffer.from(query);
  own.writeUInt16BE(randomInt(65_536), 0);
  const reply = transport === "udp" ? await askUdp(own, server, signal) : await askTcp(own, server, signal);
  query.copy(reply, 0, 0, 2);
  return reply;
}

async function askUdp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  const socket = createSocket({ type: server.includes(":") ? "udp6" : "udp4" });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    socket.on("error", reject);
    socket.on("message", (message) => {
      if (isReplyTo(query, message)) resolve(message);
    });
    // Connected: the kernel drops what comes from elsewhere and reports a closed port.
    socket.connect(53, server, (error?: Error) => {
      if (error) reject(error);
      else socket.send(query);
    });
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.close();
  }
}

async function askTcp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  const socket = createConnection({ host: server, port: 53, signal });
  try {
    const frame = Buffer.alloc(2);
    frame.writeUInt16BE(query.length);
    socket.write(Buffer.concat([frame, query]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 2 ? Number.POSITIVE_INFINITY : received.readUInt16BE(0);
      if (received.length < length + 2) continue;
      const reply = received.subarray(2, length + 2);
      if (isReplyTo(query, reply)) return Buffer.from(reply);
      break;
    }
    throw new EngineError("unavailable", `name service: ${server} closed the connection`);
  } finally {
    socket.destroy();
  }
}

/** Same id, a response, and the question repeated where there is one. */
function isReplyTo(query: Buffer, reply: Buffer): boolean {
  if (reply.length < 12 || reply.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  return (reply.readUInt8(2) & 0x80) !== 0;
}
