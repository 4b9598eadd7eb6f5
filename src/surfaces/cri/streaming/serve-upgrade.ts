import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Call } from "#core/call.ts";
import {
  negotiateProtocol,
  parseProtocols,
  portForwardProtocol,
  spdyCommandProtocols,
  tunnelledPortForwardProtocol,
  webSocketProtocols,
} from "./protocols.ts";
import { formatHead, refuseUpgrade } from "./refuse-upgrade.ts";
import { serveCommand, type CommandRequest } from "./serve-command.ts";
import { openSpdyCommand } from "./spdy/open-command.ts";
import { serveSpdyPortForward } from "./spdy/serve-port-forward.ts";
import type { PortForwardStreamRequest, StreamingRuntime } from "./streaming-runtime.ts";

/** What a token stands for. */
export type StreamRequest = CommandRequest | { readonly t: "portforward"; readonly request: PortForwardStreamRequest };

export type StreamTimeouts = { readonly idleTimeoutMs: number; readonly creationTimeoutMs: number };

/** A request to change protocols, and the bare connection it came on. */
export type Upgrade = { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer };

/** Serves what a token stands for on one connection, until both are done with each other. */
export async function serveUpgrade(
  call: Call,
  runtime: StreamingRuntime,
  upgrade: Upgrade & { readonly timeouts: StreamTimeouts },
  stream: StreamRequest,
): Promise<void> {
  const wanted = (upgrade.request.headers.upgrade ?? "").toLowerCase();
  if (wanted === "websocket") return await serveWebSocket(call, runtime, upgrade, stream);
  if (wanted.includes("spdy/3.1")) return await serveSpdy(call, runtime, upgrade, stream);
  refuseUpgrade(upgrade.socket, { status: 400, text: `unable to upgrade: missing upgrade headers in request` });
}

async function serveSpdy(
  call: Call,
  runtime: StreamingRuntime,
  { request, socket, head, timeouts }: Upgrade & { timeouts: StreamTimeouts },
  stream: StreamRequest,
): Promise<void> {
  const supported = stream.t === "portforward" ? [portForwardProtocol] : Object.keys(spdyCommandProtocols);
  const name = "x-stream-protocol-version";
  const offered = parseProtocols(request.headersDistinct[name]);
  const protocol = negotiateProtocol(offered, supported);
  if (protocol === undefined) return refuseProtocol(socket, offered, supported, name);
  const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": protocol };
  socket.write(formatHead(101, headers));
  if (stream.t === "portforward") {
    const { podSandboxId } = stream.request;
    return await serveSpdyPortForward(call, runtime, { transport: socket, head, podSandboxId, ...timeouts });
  }
  const version = spdyCommandProtocols[protocol];
  if (version === undefined) throw new Error(`protocol ${protocol} is not in the table`);
  const options = { transport: socket, head, wanted: stream.request, protocol: version, ...timeouts };
  const connection = await openSpdyCommand(options);
  if (connection === undefined) call.log.debug({}, `${stream.t}: client opened no streams in time`);
  else await serveCommand(call, runtime, stream, connection);
}

async function serveWebSocket(
  call: Call,
  runtime: StreamingRuntime,
  { request, socket, head, timeouts }: Upgrade & { timeouts: StreamTimeouts },
  stream: StreamRequest,
): Promise<void> {
  const named = parseProtocols(request.headersDistinct["sec-websocket-protocol"]);
  const offered = named.length === 0 ? [""] : named;
  const tunnelled = stream.t === "portforward" ? [tunnelledPortForwardProtocol] : [];
  const supported = [...tunnelled, ...Object.keys(webSocketProtocols)];
  const protocol = negotiateProtocol(offered, supported);
  if (protocol === undefined) return refuseProtocol(socket, offered, supported, undefined);
  const { acceptWebSocket, toDuplex } = await import("./websocket/accept-web-socket.ts");
  const webSocket = await acceptWebSocket({ request, socket, head, protocol });
  if (webSocket === undefined) return;
  const coding = webSocketProtocols[protocol];
  const { idleTimeoutMs } = timeouts;
  if (stream.t !== "portforward") {
    if (coding === undefined) throw new Error(`protocol ${protocol} is not in the table`);
    const { openWebSocketCommand } = await import("./websocket/open-command.ts");
    const options = { socket: webSocket, coding, wanted: stream.request, idleTimeoutMs };
    await serveCommand(call, runtime, stream, openWebSocketCommand(options));
  } else if (coding === undefined) {
    const transport = await toDuplex(webSocket);
    const { podSandboxId } = stream.request;
    await serveSpdyPortForward(call, runtime, { transport, head: Buffer.alloc(0), podSandboxId, ...timeouts });
  } else {
    const { serveWebSocketPortForward } = await import("./websocket/serve-port-forward.ts");
    const options = { socket: webSocket, coding, request: stream.request, idleTimeoutMs };
    await serveWebSocketPortForward(call, runtime, options);
  }
}

/** Clients that offer what we do not speak are told what we do; `header` is the one a client must send. */
function refuseProtocol(
  socket: Duplex,
  offered: readonly string[],
  supported: readonly string[],
  header: string | undefined,
): void {
  if (header !== undefined && offered.length === 0) {
    return refuseUpgrade(socket, { status: 400, text: `unable to upgrade: no protocols in header ${header}` });
  }
  const accepted = supported.filter((protocol) => protocol !== "").join(", ");
  refuseUpgrade(socket, {
    status: 403,
    text: `unable to upgrade: client supports ${offered.join(", ")}, server accepts ${accepted}`,
    headers: { "X-Accepted-Stream-Protocol-Versions": accepted },
  });
}
