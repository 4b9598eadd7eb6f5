import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** Hands a client's upgrade on to `target` and lets the two talk, as API servers and kubelets do. */
export function proxyUpgrade(message: IncomingMessage, socket: Duplex, target: URL): void {
  socket.on("error", () => socket.destroy());
  const { method = "GET", headers } = message;
  const onward = request(target, { method, headers });
  onward.on("upgrade", (answer, other: Duplex, head: Buffer) => {
    socket.write(headOf(answer));
    if (head.length > 0) socket.write(head);
    other.on("error", () => other.destroy());
    other.pipe(socket).on("close", () => other.destroy());
    socket.pipe(other).on("close", () => socket.destroy());
  });
  onward.on("response", (answer) => {
    socket.write(headOf(answer));
    answer.pipe(socket);
  });
  onward.on("error", (error) => refuse(socket, String(error)));
  socket.on("close", () => onward.destroy());
  onward.end();
}

/** An answer of status 500 in place of an upgrade. */
export function refuse(socket: Duplex, text: string): void {
  socket.end(
    `HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1] ?? ""}\r\n`] : []));
  return `HTTP/1.1 ${statusCode ?? 500} ${statusMessage ?? ""}\r\n${lines.join("")}\r\n`;
}
