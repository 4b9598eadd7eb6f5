import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { EngineError, errnoOf } from "#base/errors.ts";

/**
 * Keeps a second run away from `path`. The kernel ends it with the process, however that ends: an abstract socket name.
 *
 * @throws conflict when another run has it. Source: unix(7), abstract sockets
 */
export async function acquireRunLock(path: string): Promise<AsyncDisposable> {
  const name = createHash("sha256").update(path).digest("hex").slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(`\0ferry-migrate-${name}`, resolve);
  try {
    await promise;
  } catch (error) {
    if (errnoOf(error) !== "EADDRINUSE") throw error;
    throw new EngineError("conflict", `${path}: another migration of these images is running`, { cause: error });
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}
