import type { Route } from "./route.ts";
import { unsupportedRoutes } from "./unsupported-routes.ts";

export type RouteEntry = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Goes on when the client has gone: stopping half-way would be worse than finishing. */
  readonly lasting?: boolean;
  /** Routes are loaded at their first request: a daemon whose Docker socket nobody uses does not pay for it. */
  readonly load: () => Promise<Route>;
};

const systemRoutes: RouteEntry[] = [
  { method: "GET", path: "/_ping", load: async () => (await import("./system/ping.ts")).ping },
  { method: "HEAD", path: "/_ping", load: async () => (await import("./system/ping.ts")).ping },
  { method: "GET", path: "/version", load: async () => (await import("./system/get-version.ts")).getVersion },
  { method: "GET", path: "/info", load: async () => (await import("./system/get-info.ts")).getInfo },
  { method: "GET", path: "/events", load: async () => (await import("./system/watch-events.ts")).watchEvents },
  { method: "POST", path: "/auth", load: async () => (await import("./system/check-auth.ts")).checkAuth },
];

/** Every route of this surface; docs/docker-api.md says the same for people. */
export const routes: readonly RouteEntry[] = [...systemRoutes, ...unsupportedRoutes];
