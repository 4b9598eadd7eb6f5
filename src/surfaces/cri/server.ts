import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { dirname } from "node:path";
import { messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import type { CriSettings } from "./cri.ts";
import { lazily } from "./lazily.ts";

export type CriServerOptions = CriSettings & {
  /** Path of the Unix socket; one that is there is replaced. */
  readonly socketPath: string;
};

/**
 * Listens for a kubelet on a Unix socket, owner root, mode 0660; what serves it is loaded with the first connection.
 *
 * The caller disposes the server: requests under way are cut off, pods are not touched.
 */
export async function openCriServer(call: Call, engine: Engine, options: CriServerOptions): Promise<AsyncDisposable> {
  const stopped = new AbortController();
  const own: Call = { ...call, signal: AbortSignal.any([call.signal, stopped.signal]), namespace: options.namespace };
  const sockets = new Set<Socket>();
  const serving = lazily(async () => (await import("./serve.ts")).serve(own, { engine, settings: options }));
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serving.get().then(
      (it) => it.accept(socket),
      (error: unknown) => {
        call.log.error({ error: messageOf(error) }, "CRI cannot be served");
        socket.destroy();
      },
    );
  });
  await mkdir(dirname(options.socketPath), { recursive: true, mode: 0o711 });
  await rm(options.socketPath, { force: true });
  server.listen(options.socketPath);
  await once(server, "listening");
  await chown(options.socketPath, 0, 0);
  await chmod(options.socketPath, 0o660);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
      await (await serving.made()?.catch(() => undefined))?.[Symbol.asyncDispose]();
      await rm(options.socketPath, { force: true });
    },
  };
}
