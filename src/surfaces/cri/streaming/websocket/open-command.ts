import type { WebSocket } from "ws";
import { discard, endWritables, type CommandConnection } from "../command-connection.ts";
import type { ChannelCoding } from "../protocols.ts";
import type { WantedStreams } from "../streaming-runtime.ts";
import { readTerminalSizes } from "../terminal-sizes.ts";
import { WebSocketChannels } from "./channels.ts";

export type WebSocketCommandOptions = {
  readonly socket: WebSocket;
  readonly coding: ChannelCoding;
  readonly wanted: WantedStreams;
  readonly idleTimeoutMs: number;
};

/** Numbers of the channels; the first three are those of the file descriptors. Source: k8s.io/streaming, wsstream. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export function openWebSocketCommand(options: WebSocketCommandOptions): CommandConnection {
  const { socket, coding, wanted, idleTimeoutMs } = options;
  const channels = new WebSocketChannels({ socket, coding, idleTimeoutMs, count: 5 });
  const [stdin, stdout, stderr, error, resize] = channels.streams;
  if (error === undefined) throw new Error("five channels were asked for");
  for (const stream of [stdout, stderr, error, ...(wanted.stdin ? [] : [stdin])]) discard(stream);
  // Clients wait for a sign that the connection stands.
  channels.announce(wanted.stdout ? channel.stdout : wanted.stderr ? channel.stderr : channel.error);
  return {
    streams: {
      ...(wanted.stdin && stdin !== undefined ? { stdin } : {}),
      ...(wanted.stdout && stdout !== undefined ? { stdout } : {}),
      ...(wanted.stderr && stderr !== undefined ? { stderr } : {}),
      sizes: readTerminalSizes(resize),
    },
    error,
    statusFormat: coding.statusFormat,
    ended: channels.ended,
    async close() {
      discard(stdin);
      await endWritables([stdout, stderr, error], channels.ended);
      await channels.close();
    },
  };
}
