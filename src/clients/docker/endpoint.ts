import { EngineError } from "#base/errors.ts";

/** Where an API server listens. */
export type Endpoint =
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp"; readonly host: string; readonly port: number };

/**
 * Reads `unix:///run/x.sock`, `tcp://host:port`, `host:port` or a plain absolute path, as `DOCKER_HOST` has them.
 *
 * @throws invalidArgument for another scheme or a bad port
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith("/")) return { type: "unix", path: text };
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1] ?? "tcp";
  const rest = text.includes("://") ? text.slice(text.indexOf("://") + 3) : text;
  if (scheme === "unix") {
    if (rest === "") throw new EngineError("invalidArgument", `host ${text}: the socket's path is missing`);
    return { type: "unix", path: rest };
  }
  if (scheme === "tcp" || scheme === "http" || scheme === "https") return parseTcp(text, rest);
  throw new EngineError("invalidArgument", `host ${text}: scheme ${scheme} is not spoken here (unix, tcp)`);
}

function parseTcp(text: string, rest: string): Endpoint {
  const match = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest);
  const port = Number(match?.[2] ?? 2375);
  if (match === null || port < 1 || port > 65535) {
    throw new EngineError("invalidArgument", `host ${text}: not host:port`);
  }
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  return { type: "tcp", host: host === "" ? "localhost" : host, port };
}

export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.type === "unix" ? `unix://${endpoint.path}` : `tcp://${endpoint.host}:${endpoint.port}`;
}
