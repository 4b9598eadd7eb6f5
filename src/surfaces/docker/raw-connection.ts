import { EngineError } from "#base/errors.ts";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A connection taken over from HTTP: bytes both ways, each side may end its half. */
export type RawConnection = {
  readonly socket: Socket;
  /** Sends `chunks` as one, and waits while the client does not read. Rejects once it has gone. */
  write(...chunks: readonly Uint8Array[]): Promise<void>;
  /** Ends our half, then waits for the last bytes to leave. */
  close(): void;
};

/**
 * Takes `request`'s connection over and says so to the client: `101 UPGRADED` where it asked for an upgrade (whose socket
 * Node's parser has let go of already), otherwise `200 OK` without length, on the connection as it is.
 *
 * Source: moby daemon/server/router/container, postContainersAttach.
 */
export function hijack(
  request: IncomingMessage,
  response: ServerResponse,
  options: { multiplexed: boolean; api: number; signal: AbortSignal },
): RawConnection {
  const { socket } = request;
  const upgraded = request.headers.upgrade !== undefined;
  response.detachSocket(socket);
  if (!upgraded) releaseParser(socket);
  const contentType = options.multiplexed && options.api >= 42 && upgraded ? multiplexedStream : rawStream;
  socket.setNoDelay();
  socket.setTimeout(0);
  socket.write(
    upgraded
      ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`
      : `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n\r\n`,
  );
  return {
    socket,
    async write(...chunks) {
      options.signal.throwIfAborted();
      if (socket.destroyed) throw new EngineError("canceled", "client closed the connection");
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
      if (socket.writableNeedDrain) await once(socket, "drain", { signal: options.signal });
    },
    close() {
      if (!socket.destroyed) socket.end(() => socket.destroySoon());
    },
  };
}

const rawStream = "application/vnd.docker.raw-stream";
const multiplexedStream = "application/vnd.docker.multiplexed-stream";

/** Node's HTTP parser reads the socket until its listeners are gone. */
function releaseParser(socket: Socket): void {
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
}
