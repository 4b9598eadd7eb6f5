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
 * Nothing is asked yet: the first call connects. Failures of calls are EngineErrors, of kind `unavailable` when nobody
 * answers; those of streams are whoever's that reads them ({@link toEngineError}).
 * Source: containerd docs/namespaces.md, the `containerd-namespace` header.
 */
export function openContainerd(socketPath: string, namespace: string): ContainerdConnection {
  const baseUrl = "http://localhost";
  const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(socketPath) });
  const named: Interceptor = (next) => async (request) => {
    request.header.set("containerd-namespace", namespace);
    return await next(request);
  };
  const transport = createGrpcTransport({ baseUrl, sessionManager: session, interceptors: [named] });
  return {
    socketPath,
    namespace,
    content: explained(createClient(Content, transport), socketPath),
    diff: explained(createClient(Diff, transport), socketPath),
    images: explained(createClient(Images, transport), socketPath),
    introspection: explained(createClient(Introspection, transport), socketPath),
    leases: explained(createClient(Leases, transport), socketPath),
    namespaces: explained(createClient(Namespaces, transport), socketPath),
    snapshots: explained(createClient(Snapshots, transport), socketPath),
    version: explained(createClient(Version, transport), socketPath),
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

/** An interceptor's own error would be wrapped once more by the library: the calls are wrapped instead. */
function explained<T extends object>(client: T, socketPath: string): T {
  return new Proxy(client, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(method, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw toEngineError(error, socketPath);
        });
      };
    },
  });
}
