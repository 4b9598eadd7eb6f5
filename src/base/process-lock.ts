import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { errnoOf } from "./errors.ts";

/**
 * Keeps `name` to this process until it is disposed or the process has gone, however it goes: the kernel holds an abstract
 * socket's name for whoever listens on it. Undefined when another process has it. Keeps no process alive.
 *
 * Source: unix(7), abstract sockets
 */
export async function acquireProcessLock(name: string): Promise<AsyncDisposable | undefined> {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen({ path: `\0ferry-${digest}` }, resolve);
  try {
    await promise;
  } catch (error) {
    if (errnoOf(error) !== "EADDRINUSE") throw error;
    return undefined;
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
