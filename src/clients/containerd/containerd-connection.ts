import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Content } from "#gen/containerd/content_pb.ts";
import { Diff } from "#gen/containerd/diff_pb.ts";
import { Images } from "#gen/containerd/images_pb.ts";
import { Introspection } from "#gen/containerd/introspection_pb.ts";
import { Leases } from "#gen/containerd/leases_pb.ts";
import { Namespaces } from "#gen/containerd/namespaces_pb.ts";
import { Snapshots } from "#gen/containerd/snapshots_pb.ts";
import { Version } from "#gen/containerd/version_pb.ts";
import { toEngineError } from "./to-engine-error.ts";

// Not imported: an import of a Node module evaluates every export it has, for some milliseconds.
const { connect } = process.getBuiltinModule("node:net");

/** containerd's services for one namespace. Dispose to hang up. */
export type ContainerdConnection = Disposable & {
  readonly socketPath: string;
  readonly namespace: string;
  readonly content: Client<typeof Content>;
  readonly diff: Client<typeof Diff>;
  readonly images: Client<typeof Images>;
  readonly introspection: Client<typeof Introspection>;
  readonly leases: Client<typeof Leases>;
  readonly namespaces: Client<typeof Namespaces>;
  readonly snapshots: Client<typeof Snapshots>;
  readonly version: Client<typeof Version>;
};

/**
 * Nothing is asked yet: the first call connects. Its failures are EngineErrors, of kind `unavailable` when nobody answers.
 * Source: containerd docs/namespaces.md, the `containerd-namespace` header.
 */
export function openContainerd(socketPath: string, namespace: string): ContainerdConnection {
  const baseUrl = "http://localhost";
  const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(socketPath) });
  const named: Interceptor = (next) => async (request) => {
    request.header.set("containerd-namespace", namespace);
    try {
      return await next(request);
    } catch (error) {
      throw toEngineError(error, socketPath);
    }
  };
  const transport = createGrpcTransport({ baseUrl, sessionManager: session, interceptors: [named] });
  return {
    socketPath,
    namespace,
    content: createClient(Content, transport),
    diff: createClient(Diff, transport),
    images: createClient(Images, transport),
    introspection: createClient(Introspection, transport),
    leases: createClient(Leases, transport),
    namespaces: createClient(Namespaces, transport),
    snapshots: createClient(Snapshots, transport),
    version: createClient(Version, transport),
    [Symbol.dispose]: () => session.abort(),
  };
}

/** Options of a call whose results belong to a lease. Source: containerd leases/grpc.go, the `containerd-lease` header. */
export function underLease(
  signal: AbortSignal,
  lease: string,
): { signal: AbortSignal; headers: Record<string, string> } {
  return { signal, headers: { "containerd-lease": lease } };
}
