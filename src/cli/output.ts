import { errnoOf } from "#base/errors.ts";

// Not imported: an import of a Node module evaluates every export it has, for some milliseconds.
const { writeSync } = process.getBuiltinModule("node:fs");

/**
 * Writes all of `data` to a file descriptor, waiting where it is a full pipe.
 *
 * Synchronous: the command line has nothing else to do, a slow reader slows the server down through the socket, and
 * `process.stdout` need not be made. Ends the process quietly when the reader is gone, as SIGPIPE would.
 */
export function write(fd: 1 | 2, data: string | Uint8Array): void {
  let bytes = typeof data === "string" ? Buffer.from(data) : data;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const code = errnoOf(error);
      if (code === "EPIPE") process.exit(141);
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** A line on standard output. */
export function print(line: string): void {
  write(1, `${line}\n`);
}

/** A line on standard error. */
export function warn(line: string): void {
  write(2, `${line}\n`);
}

/** Whether a file descriptor is a terminal. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  return process.getBuiltinModule("node:tty").isatty(fd);
}
