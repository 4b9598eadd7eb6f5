import type { RouteEntry } from "../route.ts";

/** Ferry's own. */
export const podRoutes: readonly RouteEntry[] = [
  { method: "GET", path: "/ferry/pods", load: async () => (await import("./list-pods.ts")).listPods },
  { method: "GET", path: "/ferry/pods/:name", load: async () => (await import("./inspect-pod.ts")).inspectPod },
];
