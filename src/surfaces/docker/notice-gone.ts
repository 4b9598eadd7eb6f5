import type { Socket } from "node:net";

const intervalMs = 5_000;
const nothing = Buffer.alloc(0);

/**
 * Watches a connection whose client has ended its half, until disposed: it closes once the other half is gone too.
 *
 * A client without input ends its half at once and goes on reading; only a write tells it from one that has gone, and a
 * silent process writes nothing. A write of no bytes fails as any other. Source: unix_stream_sendmsg in net/unix/af_unix.c.
 */
export function noticeGone(socket: Socket): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const onEnd = () => {
    timer = setInterval(() => {
      if (socket.writable && !socket.writableNeedDrain) socket.write(nothing);
    }, intervalMs).unref();
  };
  if (socket.readableEnded) onEnd();
  else socket.once("end", onEnd);
  return {
    [Symbol.dispose]() {
      socket.off("end", onEnd);
      clearInterval(timer);
    },
  };
}
