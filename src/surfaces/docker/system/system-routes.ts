import type { RouteEntry } from "../route.ts";

export const systemRoutes: readonly RouteEntry[] = [
  { method: "GET", path: "/_ping", load: async () => (await import("./ping.ts")).ping },
  { method: "HEAD", path: "/_ping", load: async () => (await import("./ping.ts")).ping },
  { method: "GET", path: "/version", load: async () => (await import("./get-version.ts")).getVersion },
  { method: "GET", path: "/info", load: async () => (await import("./get-info.ts")).getInfo },
  { method: "GET", path: "/events", load: async () => (await import("./watch-events.ts")).watchEvents },
  { method: "POST", path: "/auth", reads: true, load: async () => (await import("./check-auth.ts")).checkAuth },
  { method: "GET", path: "/system/df", load: async () => (await import("./get-disk-usage.ts")).getDiskUsage },
  { method: "POST", path: "/build/prune", load: async () => (await import("./prune-builds.ts")).pruneBuilds },
  { method: "GET", path: "/plugins", load: async () => (await import("./inspect-plugin.ts")).listPlugins },
  { method: "GET", path: "/plugins/:name/json", load: async () => (await import("./inspect-plugin.ts")).inspectPlugin },
];
