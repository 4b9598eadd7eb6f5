import { constants, open as openCallback } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { promisify } from "node:util";

const open = promisify(openCallback);

/**
 * The reading end of a named pipe, before anybody writes. It ends when the last writer has closed.
 * Reading waits in the event loop, not in a thread.
 */
export async function openFifoReader(path: string): Promise<Socket> {
  const fd = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false }).on("error", () => {});
}

/**
 * The writing end of a named pipe that a process has as its stdin, opened whether or not its shim has opened the other. What
 * is written after the process has closed it is lost without an error. `onEnd` runs after `end()`, when everything was
 * written; destroying only lets go.
 */
export async function openFifoWriter(path: string, onEnd: () => Promise<void>): Promise<Writable> {
  const fd = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: false, writable: true }).on("error", () => {});
  const writable = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!socket.writable) return done();
      socket.write(chunk, () => done());
    },
    final: (done) => {
      socket.destroy();
      onEnd().then(
        () => done(),
        () => done(),
      );
    },
    destroy: (_error, done) => {
      socket.destroy();
      done(null);
    },
  });
  return writable.on("error", () => {});
}
