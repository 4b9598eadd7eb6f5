import type { Socket } from "node:net";
import { EngineError } from "#base/errors.ts";
import { SocketReader } from "./socket-reader.ts";

export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<Uint8Array>;
};

export type HttpResponse = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, or all that comes after the head of an upgraded connection. Read once. */
  readonly body: AsyncIterable<Buffer>;
};

const maxHeadBytes = 256 * 1024;

/**
 * Sends one HTTP/1.1 request on a fresh socket and reads the head of its answer. The caller ends the socket.
 *
 * Source: RFC 9112 sections 2 to 7.
 *
 * @throws unavailable when the server hangs up before a whole head
 */
export async function exchange(socket: Socket, request: HttpRequest): Promise<HttpResponse> {
  const reader = new SocketReader(socket);
  void sendRequest(socket, request).catch((error: unknown) => {
    // A server may answer and hang up while the body is still being sent: its answer is what counts.
    if (!isHangUp(error)) socket.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for (;;) {
    const head = await readHead(reader);
    if (head.status < 200 && head.status !== 101) continue;
    return { ...head, body: bodyOf(reader, request.method, head) };
  }
}

function isHangUp(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_STREAM_DESTROYED";
}

async function sendRequest(socket: Socket, { method, path, headers, body }: HttpRequest): Promise<void> {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value.replace(/[\r\n]/g, "")}\r\n`;
  if (body === undefined) {
    if (method !== "GET" && method !== "HEAD") head += "Content-Length: 0\r\n";
    socket.write(`${head}\r\n`);
  } else if (typeof body === "string" || Buffer.isBuffer(body)) {
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`);
    socket.write(body);
  } else {
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    for await (const chunk of body) {
      if (chunk.length === 0) continue;
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      if (!socket.write("\r\n")) await drained(socket);
      if (socket.destroyed) return;
    }
    socket.write("0\r\n\r\n");
  }
}

async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("drain", resolve);
  socket.once("close", resolve);
  await promise;
  socket.off("drain", resolve);
  socket.off("close", resolve);
}

type Head = { status: number; headers: Record<string, string> };

async function readHead(reader: SocketReader): Promise<Head> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end >= 0) {
      reader.unread(bytes.subarray(end + 4));
      return parseHead(bytes.toString("latin1", 0, end));
    }
    if (bytes.length > maxHeadBytes) throw new EngineError("unavailable", "answer: its head is too long");
    const chunk = await reader.read();
    if (chunk === undefined) throw new EngineError("unavailable", "server: hung up without an answer");
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
  }
}

function parseHead(text: string): Head {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) {
    const hint = text.charCodeAt(0) === 0x15 ? " (it speaks TLS: set DOCKER_TLS_VERIFY)" : "";
    throw new EngineError("unavailable", `server: its answer is not HTTP${hint}`);
  }
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers };
}

function bodyOf(reader: SocketReader, method: string, { status, headers }: Head): AsyncIterable<Buffer> {
  if (status === 101) return untilClose(reader);
  if (method === "HEAD" || status === 204 || status === 304) return none();
  if (headers["transfer-encoding"]?.toLowerCase().includes("chunked") === true) return chunked(reader);
  const length = headers["content-length"];
  return length === undefined ? untilClose(reader) : counted(reader, Number(length));
}

// oxlint-disable-next-line require-yield -- a body without bytes
async function* none(): AsyncGenerator<Buffer> {}

async function* untilClose(reader: SocketReader): AsyncGenerator<Buffer> {
  for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) yield chunk;
}

async function* counted(reader: SocketReader, lengthBytes: number): AsyncGenerator<Buffer> {
  for (let left = lengthBytes; left > 0;) {
    const chunk = await readSome(reader);
    const part = chunk.subarray(0, left);
    left -= part.length;
    yield part;
  }
}

async function* chunked(reader: SocketReader): AsyncGenerator<Buffer> {
  for (;;) {
    const sizeBytes = Number.parseInt(await readLine(reader), 16);
    if (Number.isNaN(sizeBytes)) throw new EngineError("unavailable", "answer: broken chunk");
    if (sizeBytes === 0) {
      while ((await readLine(reader)) !== "");
      return;
    }
    for (let left = sizeBytes; left > 0;) {
      const chunk = await readSome(reader);
      const part = chunk.subarray(0, left);
      reader.unread(chunk.subarray(part.length));
      left -= part.length;
      yield part;
    }
    await readLine(reader);
  }
}

async function readLine(reader: SocketReader): Promise<string> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf("\r\n");
    if (end >= 0) {
      reader.unread(bytes.subarray(end + 2));
      return bytes.toString("latin1", 0, end);
    }
    if (bytes.length > maxHeadBytes) throw new EngineError("unavailable", "answer: broken chunk");
    const chunk = await readSome(reader);
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
  }
}

async function readSome(reader: SocketReader): Promise<Buffer> {
  const chunk = await reader.read();
  if (chunk === undefined) throw new EngineError("unavailable", "server: hung up in the middle of an answer");
  return chunk;
}
