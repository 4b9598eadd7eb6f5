import type { StatusFormat } from "./command-connection.ts";

/** What differs between the versions of exec and attach over SPDY. Source: k8s.io/apimachinery, remotecommand. */
export const spdyCommandProtocols: Readonly<Record<string, { statusFormat: StatusFormat; resize: boolean }>> = {
  "v4.channel.k8s.io": { statusFormat: "json", resize: true },
  "v3.channel.k8s.io": { statusFormat: "text", resize: true },
  "v2.channel.k8s.io": { statusFormat: "text", resize: false },
  "channel.k8s.io": { statusFormat: "text", resize: false },
};

export const portForwardProtocol = "portforward.k8s.io";

/** SPDY in the messages of a WebSocket, as kubectl from 1.30 on forwards ports. */
export const tunnelledPortForwardProtocol = `SPDY/3.1+${portForwardProtocol}`;

/** How channels stand in the messages of a WebSocket. */
export type ChannelCoding = {
  readonly base64: boolean;
  readonly statusFormat: StatusFormat;
  /** A message of 255 and a channel's number closes the channel. */
  readonly closeSignal: boolean;
};

/** "" is a client that names none. Source: k8s.io/streaming, wsstream. */
export const webSocketProtocols: Readonly<Record<string, ChannelCoding>> = {
  "v5.channel.k8s.io": { base64: false, statusFormat: "json", closeSignal: true },
  "v4.channel.k8s.io": { base64: false, statusFormat: "json", closeSignal: false },
  "v4.base64.channel.k8s.io": { base64: true, statusFormat: "json", closeSignal: false },
  "channel.k8s.io": { base64: false, statusFormat: "text", closeSignal: false },
  "base64.channel.k8s.io": { base64: true, statusFormat: "text", closeSignal: false },
  "": { base64: false, statusFormat: "text", closeSignal: false },
};

/** The first of `offered` that is among `supported`: the client's order counts. */
export function negotiateProtocol(offered: readonly string[], supported: readonly string[]): string | undefined {
  return offered.find((protocol) => supported.includes(protocol));
}

/** The protocols that a header lists, separated by commas. */
export function parseProtocols(header: string | readonly string[] | undefined): string[] {
  const texts = typeof header === "string" ? [header] : (header ?? []);
  return texts
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "");
}
