import { connect } from "node:net";
import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";

export type CriVersion = "v1" | "v1alpha2";

export type CriClient = {
  readonly runtime: Client<typeof RuntimeService>;
  readonly images: Client<typeof ImageService>;
};

/** A client of a CRI socket; `session` is the connection, to be aborted at the end. */
export function openCriClient(socketPath: string, version: CriVersion = "v1") {
  const baseUrl = "http://localhost";
  const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(socketPath) });
  const toVersion: Interceptor = (next) => async (request) =>
    await next({ ...request, url: request.url.replace("/runtime.v1.", `/runtime.${version}.`) });
  const transport = createGrpcTransport({ baseUrl, sessionManager: session, interceptors: [toVersion] });
  return { session, runtime: createClient(RuntimeService, transport), images: createClient(ImageService, transport) };
}
