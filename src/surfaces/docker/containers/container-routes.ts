import type { RouteEntry } from "../route.ts";

export const containerRoutes: readonly RouteEntry[] = [
  { method: "GET", path: "/containers/json", load: async () => (await import("./list-containers.ts")).listContainers },
  {
    method: "POST",
    path: "/containers/create",
    lasting: true,
    load: async () => (await import("./create-container.ts")).createContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/prune",
    lasting: true,
    load: async () => (await import("./prune-containers.ts")).pruneContainersRoute,
  },
  {
    method: "GET",
    path: "/containers/:name/json",
    load: async () => (await import("./inspect-container.ts")).inspectContainer,
  },
  {
    method: "GET",
    path: "/containers/:name/top",
    load: async () => (await import("./list-processes.ts")).listProcessesRoute,
  },
  {
    method: "GET",
    path: "/containers/:name/logs",
    load: async () => (await import("./container-logs.ts")).containerLogs,
  },
  {
    method: "GET",
    path: "/containers/:name/stats",
    load: async () => (await import("./container-stats.ts")).containerStatsRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/start",
    lasting: true,
    load: async () => (await import("./start-container.ts")).startContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/stop",
    lasting: true,
    load: async () => (await import("./stop-container.ts")).stopContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/restart",
    lasting: true,
    load: async () => (await import("./restart-container.ts")).restartContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/kill",
    lasting: true,
    load: async () => (await import("./kill-container.ts")).killContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/pause",
    lasting: true,
    load: async () => (await import("./pause-container.ts")).pauseContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/unpause",
    lasting: true,
    load: async () => (await import("./pause-container.ts")).unpauseContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/wait",
    reads: true,
    load: async () => (await import("./wait-container.ts")).waitContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/rename",
    lasting: true,
    load: async () => (await import("./rename-container.ts")).renameContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/update",
    lasting: true,
    load: async () => (await import("./update-container.ts")).updateContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/resize",
    reads: true,
    load: async () => (await import("./resize-container.ts")).resizeContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/attach",
    reads: true,
    load: async () => (await import("./attach-container.ts")).attachContainerRoute,
  },
  {
    method: "POST",
    path: "/containers/:name/exec",
    lasting: true,
    load: async () => (await import("./create-exec.ts")).createExecRoute,
  },
  {
    method: "DELETE",
    path: "/containers/:name",
    lasting: true,
    load: async () => (await import("./remove-container.ts")).removeContainerRoute,
  },
  {
    method: "HEAD",
    path: "/containers/:name/archive",
    load: async () => (await import("./container-archive.ts")).statArchiveRoute,
  },
  {
    method: "GET",
    path: "/containers/:name/archive",
    load: async () => (await import("./container-archive.ts")).readArchiveRoute,
  },
  {
    method: "PUT",
    path: "/containers/:name/archive",
    load: async () => (await import("./container-archive.ts")).writeArchiveRoute,
  },
  { method: "POST", path: "/exec/:name/start", load: async () => (await import("./start-exec.ts")).startExecRoute },
  {
    method: "POST",
    path: "/exec/:name/resize",
    reads: true,
    load: async () => (await import("./resize-exec.ts")).resizeExecRoute,
  },
  { method: "GET", path: "/exec/:name/json", load: async () => (await import("./inspect-exec.ts")).inspectExecRoute },
];
