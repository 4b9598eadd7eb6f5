import { errnoOf } from "#base/errors.ts";

const probeTimeoutMs = 5_000;

/**
 * Whether a host that may speak either speaks TLS; undefined when nobody answers.
 *
 * Docker tries HTTPS and falls back to HTTP for insecure registries; one handshake tells.
 */
export async function probeScheme(authority: string, signal: AbortSignal): Promise<"http" | "https" | undefined> {
  signal.throwIfAborted();
  const { hostname, port } = new URL(`https://${authority}`);
  const { promise, resolve } = Promise.withResolvers<"http" | "https" | undefined>();
  const socket = process.getBuiltinModule("node:tls").connect({
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? 443 : Number(port),
    // Only the protocol is asked for here; nothing is sent.
    rejectUnauthorized: false,
  });
  socket.setTimeout(probeTimeoutMs, () => resolve(undefined));
  socket.on("secureConnect", () => resolve("https"));
  socket.on("error", (error) => resolve(answered(error) ? "http" : undefined));
  socket.on("close", () => resolve("http"));
  const abort = () => resolve(undefined);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

function answered(error: Error): boolean {
  return !["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"].includes(
    errnoOf(error) ?? "",
  );
}
