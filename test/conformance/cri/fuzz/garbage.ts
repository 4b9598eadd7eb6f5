import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "#test/support/random.ts";

/** How a connection of HTTP/2 begins. Source: RFC 9113 section 3.4. */
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** A SETTINGS frame without settings. */
const settings = Buffer.from("000000040000000000", "hex");

/** Opens connections that speak nothing a server could answer, leaves some of them open for a while, and cuts them off. */
export async function sendGarbage(socketPath: string, random: Random): Promise<void> {
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256)));
  const beginnings = [
    () => Buffer.alloc(0),
    () => noise(1_000),
    () => Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    () => Buffer.from(preface.slice(0, 10)),
    () => Buffer.concat([Buffer.from(preface), noise(500)]),
    // The length of a frame, and nothing after it.
    () => Buffer.concat([Buffer.from(preface), settings, Buffer.from("00ffff", "hex")]),
    // HEADERS of a stream that never ends, of bytes that no table explains.
    () => Buffer.concat([Buffer.from(preface), settings, Buffer.from("000040010400000001", "hex"), noise(64)]),
  ];
  for (let round = 0; round < 5; round++) {
    const sockets = beginnings.map((begin) => {
      const socket = connect(socketPath);
      socket.on("error", () => {});
      socket.resume().write(begin());
      return socket;
    });
    await sleep(20);
    for (const socket of sockets) socket.destroy();
  }
}
