import type { Duplex } from "node:stream";

export type Refusal = { readonly status: number; readonly text: string; readonly headers?: Record<string, string> };

/** Answers a request on a bare connection with an error, and closes the connection. */
export function refuseUpgrade(socket: Duplex, { status, text, headers = {} }: Refusal): void {
  const body = Buffer.from(`${text}\n`);
  const all = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": String(body.length),
    Connection: "close",
    ...headers,
  };
  socket.end(Buffer.concat([Buffer.from(formatHead(status, all)), body]), () => socket.destroy());
}

/** The first lines of an HTTP/1.1 answer, the empty one included. */
export function formatHead(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${process.getBuiltinModule("node:http").STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
}
