import type { WebSocket } from "ws";
import type { Call } from "#core/call.ts";
import { discard, endWritables } from "../command-connection.ts";
import { forwardPort } from "../forward-port.ts";
import type { ChannelCoding } from "../protocols.ts";
import type { PortForwardStreamRequest, StreamingRuntime } from "../streaming-runtime.ts";
import { WebSocketChannels } from "./channels.ts";

export type WebSocketPortForwardOptions = {
  readonly socket: WebSocket;
  readonly coding: ChannelCoding;
  readonly request: PortForwardStreamRequest;
  readonly idleTimeoutMs: number;
};

/**
 * Forwards one connection to each port of the request: channel 2n carries its bytes, 2n + 1 a failure. Both begin with
 * the port's number in two bytes, the lower first.
 *
 * Source: k8s.io/cri-streaming, portforward/websocket.go.
 */
export async function serveWebSocketPortForward(
  call: Call,
  runtime: StreamingRuntime,
  { socket, coding, request, idleTimeoutMs }: WebSocketPortForwardOptions,
): Promise<void> {
  const { ports, podSandboxId } = request;
  const channels = new WebSocketChannels({ socket, coding, idleTimeoutMs, count: ports.length * 2 });
  const forwards = ports.map(async (port, index) => {
    const [data, error] = channels.streams.slice(index * 2);
    if (data === undefined || error === undefined) return;
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    for (const stream of [data, error]) stream.write(number);
    discard(error);
    await forwardPort(call, runtime, { podSandboxId, port, data, error }, channels.ended);
    await endWritables([data, error], channels.ended);
    discard(data);
  });
  await Promise.allSettled(forwards);
  await channels.close();
}
