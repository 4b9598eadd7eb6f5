import { createClient, Code, ConnectError, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { EngineError } from "#base/errors.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";

// Not imported: an import of a Node module evaluates every export it has, for some milliseconds.
const { connect } = process.getBuiltinModule("node:net");

export type CriVersion = "v1" | "v1alpha2";

/** A container runtime's CRI socket. Dispose to hang up. */
export type CriConnection = Disposable & {
  readonly version: CriVersion;
  /** `containerd`, `docker`, `ferry` */
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtime: Client<typeof RuntimeService>;
  readonly images: Client<typeof ImageService>;
};

/**
 * Connects as a kubelet does: by v1, and by v1alpha2 to a runtime that does not know it. The two have the same messages.
 *
 * @throws unavailable when nobody answers @throws notImplemented when no CRI is spoken there
 */
export async function openCriConnection(
  call: { readonly signal: AbortSignal },
  socketPath: string,
  versions: readonly CriVersion[] = ["v1", "v1alpha2"],
): Promise<CriConnection> {
  let refusal: unknown;
  for (const version of versions) {
    const client = openClient(socketPath, version);
    try {
      const { runtimeName, runtimeVersion } = await client.runtime.version({ version }, { signal: call.signal });
      return { ...client, version, runtimeName, runtimeVersion };
    } catch (error) {
      client[Symbol.dispose]();
      if (!(error instanceof ConnectError) || error.code !== Code.Unimplemented) throw explain(socketPath, error);
      refusal = error;
    }
  }
  const text = refusal instanceof ConnectError ? refusal.rawMessage : "";
  throw new EngineError("notImplemented", `unix://${socketPath}: no CRI is spoken there: ${text}`, { cause: refusal });
}

function openClient(socketPath: string, version: CriVersion) {
  const baseUrl = "http://localhost";
  const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(socketPath) });
  const toVersion: Interceptor = (next) => async (request) =>
    await next({ ...request, url: request.url.replace("/runtime.v1.", `/runtime.${version}.`) });
  const transport = createGrpcTransport({ baseUrl, sessionManager: session, interceptors: [toVersion] });
  return {
    runtime: createClient(RuntimeService, transport),
    images: createClient(ImageService, transport),
    [Symbol.dispose]: () => session.abort(),
  };
}

function explain(socketPath: string, error: unknown): EngineError {
  const why = error instanceof ConnectError ? error.rawMessage : String(error);
  return new EngineError("unavailable", `unix://${socketPath}: ${why}`, { cause: error });
}
