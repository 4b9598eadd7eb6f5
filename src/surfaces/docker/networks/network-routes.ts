import type { RouteEntry } from "../route.ts";

export const networkRoutes: readonly RouteEntry[] = [
  { method: "GET", path: "/networks", load: async () => (await import("./list-networks.ts")).listNetworks },
  { method: "GET", path: "/networks/:name", load: async () => (await import("./inspect-network.ts")).inspectNetwork },
  {
    method: "POST",
    path: "/networks/create",
    lasting: true,
    load: async () => (await import("./create-network.ts")).createNetworkRoute,
  },
  {
    method: "POST",
    path: "/networks/prune",
    lasting: true,
    load: async () => (await import("./prune-networks.ts")).pruneNetworksRoute,
  },
  {
    method: "POST",
    path: "/networks/:name/connect",
    lasting: true,
    load: async () => (await import("./connect-network.ts")).connectNetworkRoute,
  },
  {
    method: "POST",
    path: "/networks/:name/disconnect",
    lasting: true,
    load: async () => (await import("./connect-network.ts")).disconnectNetworkRoute,
  },
  {
    method: "DELETE",
    path: "/networks/:name",
    lasting: true,
    load: async () => (await import("./remove-network.ts")).removeNetworkRoute,
  },
];
